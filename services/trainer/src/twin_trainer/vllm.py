"""vLLM as the serving side: adapters are loaded into a running server and taken out again, nothing restarts.

The server is started with `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True` and sees the registry's folder.
"""

from pathlib import PurePosixPath

import httpx

from twin_common.errors import ServerUnavailable
from twin_common.models import ServingAddress

_TIMEOUT_SECONDS = 120.0


class VllmServing:
    """One vLLM server that holds the base model."""

    def __init__(
        self, url: str, registry: str = "/registry", transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Args: `url` is the server's root; `registry` is where it sees the registry's folder."""
        self._url = url.rstrip("/")
        self._registry = PurePosixPath(registry)
        self._transport = transport

    async def load(self, model_id: str, location: str) -> ServingAddress:
        """Load a model's adapter, or find it loaded. Raises: ServerUnavailable."""
        adapter = str(self._registry / location / "adapter")
        await self._post("load_lora_adapter", {"lora_name": model_id, "lora_path": adapter}, "already")
        return ServingAddress(url=f"{self._url}/v1", name=model_id)

    async def unload(self, model_id: str) -> None:
        """Take a model's adapter out, if it is there. Raises: ServerUnavailable."""
        await self._post("unload_lora_adapter", {"lora_name": model_id}, "not")

    async def _post(self, path: str, body: dict[str, str], harmless: str) -> None:
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT_SECONDS) as client:
                answer = await client.post(f"{self._url}/v1/{path}", json=body)
        except httpx.HTTPError as error:
            raise ServerUnavailable(f"vLLM at {self._url} does not answer: {error}") from error
        if not answer.is_success and harmless not in answer.text:
            raise ServerUnavailable(f"vLLM at {self._url} answered {answer.status_code}: {answer.text[:200]}")
