"""Looks now and then whether an author's dataset is due, and builds those that are."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import structlog

from twin_common.clock import utc_now
from twin_common.configuration import read
from twin_common.errors import TwinError
from twin_common.identity import AuthorId
from twin_common.kafka_settings import KafkaSettings
from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_feature_stream.datasets.assembly import NotEnoughText
from twin_feature_stream.datasets.build import Builder
from twin_feature_stream.datasets.hub import HubDatasets
from twin_feature_stream.datasets.publishing import dataset_publisher
from twin_feature_stream.datasets.registry import DatasetRegistry
from twin_feature_stream.datasets.settings import DatasetSettings
from twin_feature_stream.datasets.snapshot import read_present
from twin_feature_stream.datasets.triggers import due

log = structlog.get_logger(__name__)


class Schedule:
    """The builds that nobody asks for, on the platform that the environment names."""

    def __init__(self, settings: DatasetSettings) -> None:
        self._settings = settings

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again, until `stop` is given; a build under way is ended, and repeated next time."""
        stopped = asyncio.create_task(stop.wait())
        while not stop.is_set():
            looking = asyncio.create_task(self.look())
            await asyncio.wait({looking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not looking.done():
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._settings.check_seconds)
        await stopped

    async def look(self) -> bool:
        """Build what is due; whether all went well. What fails is logged, and due again next time."""
        async with AsyncExitStack() as stack:
            client = connect(read(VectorIndexSettings))
            stack.push_async_callback(client.close)
            try:
                warehouse = await stack.enter_async_context(Warehouse(read(WarehouseSettings)))
                builder = Builder(
                    client=client,
                    warehouse=warehouse,
                    registry=DatasetRegistry(self._settings.registry),
                    settings=self._settings,
                    publish=dataset_publisher(read(KafkaSettings)),
                    hub=HubDatasets.of(self._settings),
                )
                authors = await warehouse.authors.all()
            except Exception as error:  # a server that is away now may be there at the next look
                log.warning("datasets cannot be looked at now", error=repr(error))
                return False
            # Every author is tried: the trouble of one is not that of the others.
            return all([await self._build_if_due(builder, author.author_id) for author in authors])

    async def _build_if_due(self, builder: Builder, author_id: AuthorId) -> bool:
        try:
            feedback = len(await builder.warehouse.feedback.all(author_id))
            present = await read_present(builder.client, author_id, feedback)
            reason = due(builder.registry.last_build(author_id), present, utc_now(), self._settings.triggers)
            if reason is None:
                return True
            log.info("a dataset is due", author_id=author_id, reason=reason)
            built = await builder.build(author_id)
            log.info("a dataset was built", dataset_id=built.version.dataset_id, is_new=built.is_new)
        except NotEnoughText as error:
            log.info("no dataset yet", author_id=author_id, reason=str(error))
        except Exception as error:
            kind = "" if isinstance(error, TwinError) else f"{type(error).__name__}: "
            log.exception("a dataset was not built", author_id=author_id, error=f"{kind}{error}")
            return False
        return True
