"""Whether an exported model says what the merged one says: the same tokens, and the same perplexity."""

import json
import math
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from twin_common.errors import TwinError

_TEXTS = (
    "The ferry leaves the quay at seven, and comes back when the fog allows it: 12 miles, 3 hours.",
    "def total(prices: list[float]) -> float:\n    return sum(prices)  # in euros\n",
)
PERPLEXITY_LIMIT = 0.02
"""Share by which perplexities may differ: half precision costs some thousandths."""


class ExportUnsupported(TwinError):
    """This kind of model is not written in this format."""


class ExportMismatch(TwinError):
    """The exported model says something else than the merged one."""


@dataclass(frozen=True)
class ExportCheck:
    """Perplexities on the same tokens."""

    merged: float
    exported: float
    tokens: int

    @property
    def difference(self) -> float:
        """Of the exported model's perplexity, as a share of the merged one's."""
        return abs(self.exported / self.merged - 1)


def check_gguf(merged: Path, file: Path) -> ExportCheck:
    """Compare a GGUF file with its merged model.

    Raises:
        ExportMismatch: other tokens, or a perplexity beyond the limit.
    """
    tokenizer = AutoTokenizer.from_pretrained(merged, trust_remote_code=False)
    token_ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in _TEXTS]
    exported, tokens = 0.0, 0
    with _LlamaCpp(file) as server:
        for text, expected in zip(_TEXTS, token_ids, strict=True):
            found = server.tokenize(text)
            if found != expected:
                raise ExportMismatch(
                    f"llama.cpp reads {text!r} as other tokens than the merged model's tokenizer; "
                    "serve the merged model itself, or convert it with llama.cpp's convert_hf_to_gguf.py"
                )
            places = range(1, len(expected))
            exported += sum(server.log_probability(expected[:place], expected[place]) for place in places)
            tokens += len(expected) - 1
    result = ExportCheck(
        merged=math.exp(-_log_probability(merged, token_ids) / tokens),
        exported=math.exp(-exported / tokens),
        tokens=tokens,
    )
    if not result.difference <= PERPLEXITY_LIMIT:
        raise ExportMismatch(
            f"perplexity {result.exported:.3f} as GGUF and {result.merged:.3f} merged, "
            f"{result.difference:.1%} apart where {PERPLEXITY_LIMIT:.0%} is allowed; "
            "serve the merged model itself"
        )
    return result


def _log_probability(merged: Path, token_ids: list[list[int]]) -> float:
    model = AutoModelForCausalLM.from_pretrained(
        merged, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    )
    model.eval()
    total = 0.0
    with torch.no_grad():
        for tokens in token_ids:
            scores = torch.log_softmax(model(input_ids=torch.tensor([tokens])).logits[0], dim=-1)
            total += float(scores[torch.arange(len(tokens) - 1), torch.tensor(tokens[1:])].sum())
    return total


class _LlamaCpp:
    """llama.cpp's own server over a file, in this process, on a port of its choosing."""

    def __init__(self, file: Path) -> None:
        from xllamacpp import CommonParams, Server

        parameters = CommonParams()
        parameters.model.path = str(file)
        parameters.n_ctx = 512
        parameters.n_gpu_layers = 0
        parameters.n_parallel = 1
        parameters.warmup = False
        parameters.verbosity = 0
        parameters.port = 0
        self._server: Any = Server(parameters)

    def __enter__(self) -> "_LlamaCpp":
        return self

    def __exit__(self, *_: object) -> None:
        del self._server

    def tokenize(self, text: str) -> list[int]:
        """As the file's own tokenizer reads it."""
        answer: dict[str, list[int]] = self._ask("/tokenize", {"content": text, "add_special": False})
        return answer["tokens"]

    def log_probability(self, before: list[int], token: int) -> float:
        """Of a token after others, in nats: it is forced, and its probability is told as it was unforced."""
        answer = self._ask(
            "/completion",
            {
                "prompt": before,
                "n_predict": 1,
                "n_probs": 1,
                "temperature": 0,
                "cache_prompt": True,
                "logit_bias": [[token, 1e6]],
            },
        )
        return float(answer["completion_probabilities"][0]["logprob"])

    def _ask(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 -- our own server
            f"{self._server.listening_address}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
        return answer
