"""One feature-stream process for each build of the index, so that live changes reach all of them."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog
from qdrant_client import AsyncQdrantClient
from qdrant_client.http.exceptions import ApiException

from twin_common.index_builds import IndexBuild, Role, read_builds
from twin_local.ports import free_port
from twin_local.processes import ManagedProcess, ProcessSpec

log = structlog.get_logger(__name__)

SERVICE = "feature-stream"
_LOOK_SECONDS = 0.5
_VARIABLES = ("EMBEDDING_BACKEND", "EMBEDDING_MODEL")

MakeProcess = Callable[[ProcessSpec], ManagedProcess]


class StreamInstances:
    """Follows the aliases of the vector store: a build that gets a role gets a process, and loses it with it.

    The process that the platform was started with belongs to the build that is live then.
    """

    def __init__(self, client: AsyncQdrantClient, main: ManagedProcess, make: MakeProcess) -> None:
        self._client = client
        self._main = main
        self._make = make
        self._builds: dict[str, ManagedProcess] = {}

    @property
    def processes(self) -> dict[str, ManagedProcess]:
        """Those that run now, by name."""
        return {process.spec.name: process for process in self._builds.values()}

    async def follow(self) -> None:
        """Start and stop processes until cancelled; then stop those that were started here."""
        try:
            while True:
                try:
                    await self._adjust(await read_builds(self._client))
                except ApiException:
                    log.debug("the vector store does not answer")
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            own = [process for process in self._builds.values() if process is not self._main]
            await asyncio.gather(*(process.stop() for process in own))

    async def _adjust(self, builds: Mapping[Role, IndexBuild]) -> None:
        wanted = {build.name: build for build in builds.values()}
        if Role.LIVE in builds and not self._builds:
            own = self._taken_at_start(builds)
            # From now on it keeps its build, also when it is restarted after a switch.
            _use_encoder(self._main.spec.environment, own)
            self._builds[own.name] = self._main
        for name in list(self._builds.keys() - wanted.keys()):
            log.info("an index is no longer kept up to date", build=name)
            process = self._builds.pop(name)
            await process.stop()
            if process is self._main and Role.LIVE in builds:
                await self._move_main(builds[Role.LIVE])
        for name in wanted.keys() - self._builds.keys():
            log.info("an index is kept up to date by a process of its own", build=name)
            environment = self._main.spec.environment | {"FEATURE_STREAM_HTTP_PORT": str(free_port())}
            _use_encoder(environment, wanted[name])
            spec = replace(self._main.spec, name=f"{SERVICE}.{name}", environment=environment)
            self._builds[name] = self._make(spec)
            await self._builds[name].start()

    async def _move_main(self, live: IndexBuild) -> None:
        """The platform's own process takes over the live build: it is the one that a person sees."""
        if (process := self._builds.pop(live.name, None)) is not None:
            await process.stop()
        _use_encoder(self._main.spec.environment, live)
        self._builds[live.name] = self._main
        await self._main.start()

    def _taken_at_start(self, builds: Mapping[Role, IndexBuild]) -> IndexBuild:
        """What the process writes: the build of the encoder that its environment names, else the live one."""
        environment = os.environ | self._main.spec.environment
        named = {name: environment[name] for name in _VARIABLES if name in environment}
        for build in builds.values():
            if named and _variables(build) == named:
                return build
        return builds[Role.LIVE]


def _variables(build: IndexBuild) -> dict[str, str]:
    values = {f"EMBEDDING_{key.upper()}": value for key, value in build.encoder.items()}
    return {name: str(value) for name, value in values.items() if value is not None}


def _use_encoder(environment: dict[str, str], build: IndexBuild) -> None:
    for name in _VARIABLES:
        environment.pop(name, None)
    environment.update(_variables(build))
