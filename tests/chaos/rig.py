"""The platform as in production, with a hand on every process, every hop of the network and every disk."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from tests.chaos.machine import FalseClock, SlowDisk, SmallDisk
from tests.chaos.plan import FaultKind, Scenario
from tests.chaos.proxy import Proxy
from tests.chaos.vector_server import vector_spec, vector_url
from tests.integration.apache_kafka import ApacheKafka
from tests.integration.conftest import NO_RECONCILIATION, platform_on
from twin_common.vector_index import VectorIndexSettings
from twin_common.warehouse import WarehouseSettings
from twin_local.platform import Platform
from twin_local.ports import LOOPBACK, free_port
from twin_local.processes import ManagedProcess, ProcessSpec, port_probe
from twin_local.servers import mongodb

SERVERS = ("mongodb", "kafka", "vector")
_START_SECONDS = 120


@dataclass
class Rig:
    """Services reach each server through its proxy; the test itself reaches it directly."""

    platform: Platform
    servers: dict[str, ManagedProcess]
    proxies: dict[str, Proxy]
    warehouse: WarehouseSettings
    vector_index: VectorIndexSettings
    small_disks: Mapping[str, SmallDisk] = field(default_factory=dict)
    slow_disks: Mapping[str, SlowDisk] = field(default_factory=dict)
    clock: FalseClock | None = None

    @property
    def processes(self) -> dict[str, ManagedProcess]:
        """Every child, by name."""
        return self.platform.processes | self.servers


@asynccontextmanager
async def running(scenario: Scenario, folder: Path) -> AsyncIterator[Rig]:
    """Start everything that the scenario's faults need."""
    home = folder / "home"
    data = {name: folder / name / "data" for name in SERVERS} | {"feature-stream": home / "recovery"}
    small, slow, clock = _machine(scenario, folder, data)
    async with AsyncExitStack() as stack:
        for disk in small.values():
            disk.mount()
            stack.callback(disk.unmount)
        kafka_proxy_port = free_port()
        kafka = ApacheKafka(folder / "kafka", advertised_port=kafka_proxy_port)
        ports = {"mongodb": free_port(), "kafka": kafka.port, "vector": free_port()}
        environments = {name: slow[name].environment() if name in slow else {} for name in SERVERS}
        specs = (
            ProcessSpec(
                "mongodb",
                mongodb.command(LOOPBACK, ports["mongodb"], data["mongodb"]),
                port_probe(LOOPBACK, ports["mongodb"]),
                environments["mongodb"],
                mongodb.broken_probe(mongodb.url(LOOPBACK, ports["mongodb"])),
            ),
            ProcessSpec("kafka", kafka.command, port_probe(LOOPBACK, kafka.port), environments["kafka"]),
            vector_spec(ports["vector"], data["vector"], environments["vector"]),
        )
        servers = {spec.name: ManagedProcess(spec, folder / "logs") for spec in specs}
        for server in servers.values():
            await server.start()
            stack.push_async_callback(server.stop)
        for server in servers.values():
            await server.wait_until_ready(_START_SECONDS)
        proxies = {
            name: await stack.enter_async_context(Proxy(port, kafka_proxy_port if name == "kafka" else None))
            for name, port in ports.items()
        }
        environment = {
            **NO_RECONCILIATION,
            "MONGODB_URL": mongodb.url(LOOPBACK, proxies["mongodb"].port),
            "QDRANT_URL": f"http://{LOOPBACK}:{proxies['vector'].port}",
            **(clock.environment() if clock else {}),
        }
        platform = await stack.enter_async_context(
            platform_on(f"{LOOPBACK}:{kafka_proxy_port}", home, **environment)
        )
        yield Rig(
            platform,
            servers,
            proxies,
            WarehouseSettings(url=SecretStr(mongodb.url(LOOPBACK, ports["mongodb"])), timeout_seconds=2),
            VectorIndexSettings(url=vector_url(ports["vector"])),
            small,
            slow,
            clock,
        )


def _machine(
    scenario: Scenario, folder: Path, data: Mapping[str, Path]
) -> tuple[dict[str, SmallDisk], dict[str, SlowDisk], FalseClock | None]:
    """The disks and the clock that the scenario makes worse; all others are the machine's own."""
    kinds = set(scenario.kinds)
    small = {name: SmallDisk(data[name]) for name in scenario.targets if FaultKind.FULL_DISK in kinds}
    slow = {name: SlowDisk(folder / name) for name in scenario.targets if FaultKind.SLOW_DISK in kinds}
    return small, slow, FalseClock(folder) if FaultKind.CLOCK in kinds else None
