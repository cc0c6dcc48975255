"""The platform on one machine: three small servers and the services, each a process of its own.

The services are the same as anywhere; they learn from their environment where their servers are. Where the
environment already names a server, that one is used and none is started.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import structlog
from pydantic import SecretStr

from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import WarehouseSettings
from twin_local.errors import PlatformError
from twin_local.home import PlatformRecord, TwinHome
from twin_local.model_servers import ModelServers
from twin_local.ports import LOOPBACK, free_port, holder
from twin_local.processes import ManagedProcess, ProcessSpec, at_once, file_probe, http_probe, port_probe
from twin_local.servers import mongodb
from twin_local.stream_instances import StreamInstances
from twin_local.topics import create_topics

log = structlog.get_logger(__name__)

Progress = Callable[[str, float], None]
"""Called with what is ready now and the seconds it took."""

SERVICES = ("crawler", "cdc", "feature-stream", "rag-api")
TRAINER = "trainer"
_START_SECONDS = 90.0


@dataclass(frozen=True)
class PlatformOptions:
    """What a person chooses."""

    home: TwinHome
    api_port: int = 8000
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for the services, over those of this process."""
    builds_datasets: bool = False
    """Whether datasets are built by themselves, where this machine can write them."""


class Platform:
    """Starts, supervises and stops; use it as an async context manager."""

    def __init__(self, options: PlatformOptions, on_progress: Progress = lambda _, __: None) -> None:
        self._options = options
        self._home = options.home
        self._on_progress = on_progress
        self._servers: dict[str, ManagedProcess] = {}
        self._services: dict[str, ManagedProcess] = {}
        self._stack = AsyncExitStack()
        self._recovering: asyncio.Task[None] | None = None
        self._instances: StreamInstances | None = None
        self._following: list[asyncio.Task[None]] = []
        self._models: ModelServers | None = None
        self.environment: dict[str, str] = {}

    @property
    def api_url(self) -> str:
        """Where the web page and the API are."""
        return f"http://{LOOPBACK}:{self._options.api_port}"

    @property
    def processes(self) -> dict[str, ManagedProcess]:
        """Every child, by name."""
        instances = self._instances.processes if self._instances else {}
        models = self._models.processes if self._models else {}
        return self._servers | instances | models | self._services

    async def __aenter__(self) -> Self:
        """Start everything.

        Raises:
            PlatformError: the folder or the port is taken, or a process did not get ready.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(self._home.locked())
            self._refuse_busy_port()
            shutil.rmtree(self._home.run, ignore_errors=True)
            stack.push_async_callback(self._stop)
            try:
                await self._start()
            except TimeoutError as error:
                raise PlatformError(str(error)) from error
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        self.environment = self._base_environment()
        for spec in self._server_specs():
            self._servers[spec.name] = ManagedProcess(spec, self._home.logs)
        kafka = self._servers.get("kafka")
        await asyncio.gather(
            *(
                server.start(self._on_kafka_lost if server is kafka else None)
                for server in self._servers.values()
            )
        )
        if kafka is not None:
            await self._wait(kafka)
            self._read_kafka_address()
        else:
            await asyncio.to_thread(create_topics, self.environment["KAFKA_BOOTSTRAP_SERVERS"])
        await self._start_services()
        await asyncio.gather(*(self._wait(child) for child in self.processes.values() if child is not kafka))
        self._home.save_record(PlatformRecord(os.getpid(), self.environment))

    async def _start_services(self) -> None:
        self._services = {
            name: ManagedProcess(self._service_spec(name), self._home.logs) for name in services()
        }
        if self._options.builds_datasets and find_spec("pyarrow"):
            self._services["datasets"] = ManagedProcess(self._datasets_spec(), self._home.logs)
        await asyncio.gather(*(service.start() for service in self._services.values()))
        self._index = connect(VectorIndexSettings(url=self.environment["QDRANT_URL"]))
        self._instances = StreamInstances(
            self._index,
            self._services["feature-stream"],
            lambda spec: ManagedProcess(spec, self._home.logs),
        )
        self._models = ModelServers(
            WarehouseSettings(url=SecretStr(self.environment["MONGODB_URL"])),
            Path(self.environment["TRAINER_REGISTRY"]),
            lambda spec: ManagedProcess(spec, self._home.logs),
        )
        self._following = [
            asyncio.create_task(self._instances.follow(), name="follow the index"),
            asyncio.create_task(self._models.follow(), name="follow the models"),
        ]

    async def _stop_services(self) -> None:
        if self._following:
            for task in self._following:
                task.cancel()
            await asyncio.gather(*self._following, return_exceptions=True)
            self._following = []
            await self._index.close()
        await asyncio.gather(*(service.stop() for service in self._services.values()))

    async def _stop(self) -> None:
        """Services before servers, so that each can say its last word."""
        if self._recovering is not None:
            self._recovering.cancel()
            await asyncio.gather(self._recovering, return_exceptions=True)
        self._home.clear_record()
        await self._stop_services()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def _wait(self, child: ManagedProcess) -> None:
        started = time.monotonic()
        try:
            await child.wait_until_ready(_START_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{child.last_lines()}") from error
        self._on_progress(child.spec.name, time.monotonic() - started)

    async def _on_kafka_lost(self) -> None:
        """The local bus forgot everything and will have another address: begin again with all services."""
        self._recovering = asyncio.create_task(self._restart_around_kafka(), name="restart around kafka")

    async def _restart_around_kafka(self) -> None:
        log.warning("the local event bus ended: restarting it and every service")
        await self._stop_services()
        shutil.rmtree(self._home.run / "recovery", ignore_errors=True)
        self._kafka_address_file.unlink(missing_ok=True)
        kafka = ManagedProcess(self._servers["kafka"].spec, self._home.logs)
        self._servers["kafka"] = kafka
        await kafka.start(self._on_kafka_lost)
        try:
            await self._wait(kafka)
        except TimeoutError:
            log.exception("the local event bus did not come back: stop the platform and start it again")
            return
        self._read_kafka_address()
        await self._start_services()
        self._home.save_record(PlatformRecord(os.getpid(), self.environment))

    def _refuse_busy_port(self) -> None:
        who = holder(self._options.api_port)
        if who is not None:
            port = self._options.api_port
            raise PlatformError(
                f"port {port} is in use by {who}; stop it, or choose another: TWIN_PORT={port + 1} make up"
            )

    def _base_environment(self) -> dict[str, str]:
        """Where each server is; an address that was given wins over a server of our own."""
        given = os.environ | dict(self._options.environment)
        environment = {
            # glibc keeps an arena a core and thread; two are enough and save a third of the memory.
            "MALLOC_ARENA_MAX": "2",
            "OMP_WAIT_POLICY": "PASSIVE",
            **self._options.environment,
        }
        self._ports = {name: free_port() for name in ("mongodb", "vector")}
        if "KAFKA_BOOTSTRAP_SERVERS" in given:
            environment["KAFKA_BOOTSTRAP_SERVERS"] = given["KAFKA_BOOTSTRAP_SERVERS"]
            recovery = self._home.path / "recovery"
        else:
            environment["CDC_INLINE_LIMIT_BYTES"] = "0"
            recovery = self._home.run / "recovery"
        environment["CDC_LEASE_SECONDS"] = "2"  # its one copy, started again, waits for its own dead lease
        environment["MONGODB_URL"] = given.get("MONGODB_URL") or mongodb.url(LOOPBACK, self._ports["mongodb"])
        environment["QDRANT_URL"] = given.get("QDRANT_URL") or f"http://{LOOPBACK}:{self._ports['vector']}"
        environment["FEATURE_STREAM_RECOVERY_DIR"] = str(recovery)
        environment["RAG_API_URL"] = self.api_url
        for name in ("DATASETS_REGISTRY", "TRAINER_REGISTRY"):
            environment[name] = given.get(name) or str(self._home.registry)
        environment["TRAINER_WORK"] = given.get("TRAINER_WORK") or str(self._home.path / TRAINER)
        for name in (*SERVICES, TRAINER):
            port = self._options.api_port if name == "rag-api" else free_port()
            environment[port_variable(name)] = str(port)
        return environment

    def _server_specs(self) -> list[ProcessSpec]:
        given = os.environ | dict(self._options.environment)
        specs: list[ProcessSpec] = []
        if "KAFKA_BOOTSTRAP_SERVERS" not in given:
            command = _python("twin_local.servers.kafka", "--address-file", str(self._kafka_address_file))
            specs.append(ProcessSpec("kafka", command, file_probe(self._kafka_address_file)))
        if "MONGODB_URL" not in given:
            port = self._ports["mongodb"]
            command = mongodb.command(LOOPBACK, port, self._home.mongodb)
            broken = mongodb.broken_probe(mongodb.url(LOOPBACK, port))
            specs.append(ProcessSpec("mongodb", command, port_probe(LOOPBACK, port), broken=broken))
        if "QDRANT_URL" not in given:
            port = self._ports["vector"]
            storage = ["--host", LOOPBACK, "--port", str(port), "--storage-path", str(self._home.vector)]
            command = _python("twin_local.servers.vector", *storage)
            specs.append(ProcessSpec("vector", command, http_probe(f"http://{LOOPBACK}:{port}/readyz")))
        return specs

    def _service_spec(self, name: str) -> ProcessSpec:
        port = self.environment[port_variable(name)]
        module = f"twin_{name.replace('-', '_')}"
        ready = http_probe(f"http://{LOOPBACK}:{port}/readyz")
        return ProcessSpec(name, _python(module), ready, dict(self.environment))

    def _datasets_spec(self) -> ProcessSpec:
        command = _python("twin_feature_stream.datasets")
        return ProcessSpec("datasets", command, at_once, dict(self.environment))

    def _read_kafka_address(self) -> None:
        self.environment["KAFKA_BOOTSTRAP_SERVERS"] = self._kafka_address_file.read_text()

    @property
    def _kafka_address_file(self) -> Path:
        return self._home.run / "kafka.address"


def services() -> tuple[str, ...]:
    """What is started here: the trainer only where what it trains with is installed."""
    has_stack = all(find_spec(name) is not None for name in ("torch", "trl", "peft"))
    return (*SERVICES, TRAINER) if has_stack else SERVICES


def port_variable(service: str) -> str:
    """The variable that tells a service its port for health and metrics."""
    return service.replace("-", "_").upper() + "_HTTP_PORT"


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
