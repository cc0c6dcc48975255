"""A llama.cpp server for every trained model that is released and lies in this machine's registry.

Nothing is started before a person has approved a model, and nothing where the server is not installed.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from pymongo.errors import PyMongoError

from twin_common.models import ServingAddress
from twin_common.warehouse import UnknownModel, Warehouse, WarehouseSettings
from twin_local.ports import LOOPBACK, free_port
from twin_local.processes import ManagedProcess, ProcessSpec, http_probe
from twin_local.servers import llama

log = structlog.get_logger(__name__)

GGUF = "model-f16.gguf"
_FOLLOW_SECONDS = 1.0
_START_SECONDS = 120.0


class ModelServers:
    """Follows the warehouse, starts and stops servers, and says where each model answers."""

    def __init__(
        self, settings: WarehouseSettings, registry: Path, manage: Callable[[ProcessSpec], ManagedProcess]
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._manage = manage
        self._running: dict[str, ManagedProcess] = {}

    @property
    def processes(self) -> dict[str, ManagedProcess]:
        """Every server, by its process' name."""
        return {process.spec.name: process for process in self._running.values()}

    async def follow(self) -> None:
        """Serve what is released, until cancelled; then stop every server."""
        if not llama.is_installed():
            return
        async with Warehouse(self._settings) as warehouse:
            try:
                while True:
                    try:
                        await self.look(warehouse)
                    except PyMongoError as error:
                        log.warning("the warehouse does not say which models answer", error=str(error)[:300])
                    await asyncio.sleep(_FOLLOW_SECONDS)
            finally:
                await asyncio.gather(*(process.stop() for process in self._running.values()))

    async def look(self, warehouse: Warehouse) -> None:
        """Start what is missing and stop what is not wanted any more."""
        wanted = {model_id for release in await warehouse.models.releases() for model_id in release.models}
        for model_id in self._running.keys() - wanted:
            await self._running.pop(model_id).stop()
            await self._tell(warehouse, model_id, None)
        for model_id in wanted - self._running.keys():
            await self._serve(warehouse, model_id)

    async def _serve(self, warehouse: Warehouse, model_id: str) -> None:
        try:
            record = await warehouse.models.get(model_id)
        except UnknownModel:
            return
        file = self._registry / record.location / GGUF
        if not await asyncio.to_thread(file.exists):
            return  # kept elsewhere, and served there
        port = free_port()
        ready = http_probe(f"http://{LOOPBACK}:{port}/health")
        process = self._manage(ProcessSpec(f"model-{model_id}", llama.command(file, model_id, port), ready))
        self._running[model_id] = process
        await process.start()
        try:
            await process.wait_until_ready(_START_SECONDS)
        except TimeoutError as error:
            log.warning("a model is not served", model=model_id, error=str(error)[:300])
            await self._running.pop(model_id).stop()
            return
        await self._tell(
            warehouse, model_id, ServingAddress(url=f"http://{LOOPBACK}:{port}/v1", name=model_id)
        )

    async def _tell(self, warehouse: Warehouse, model_id: str, address: ServingAddress | None) -> None:
        try:
            await warehouse.models.set_served(model_id, address)
        except UnknownModel:  # erased meanwhile
            log.info("a model is gone", model=model_id)
