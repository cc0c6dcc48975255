"""Asking for a crawl, and following it to its end."""

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaProducer

from twin_common.events import CrawlReported, CrawlRequested, RunStatus, encode
from twin_common.identity import AuthorId
from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import Warehouse

_ENDED = (RunStatus.FINISHED, RunStatus.FAILED)


async def request_crawl(
    kafka: KafkaSettings, author_id: AuthorId, links: tuple[str, ...] = (), dry_run: bool = False
) -> str:
    """Send the command; the id of the run that it starts.

    Raises:
        KafkaError: the event bus does not take it.
    """
    command = CrawlRequested(author_id=author_id, links=links, dry_run=dry_run)
    message = encode(command, "twin", event_id=command.run_id)
    async with AIOKafkaProducer(**kafka.aiokafka_producer()) as producer:
        await producer.send_and_wait(message.topic, message.value, key=message.key, headers=message.headers)
    return command.run_id


async def follow_run(
    warehouse: Warehouse,
    author_id: AuthorId,
    run_id: str,
    on_report: Callable[[CrawlReported], None],
    interval_seconds: float = 0.2,
) -> CrawlReported:
    """Wait for the end of a run, telling of every report on the way."""
    while True:
        report = await warehouse.crawls.run(author_id, run_id)
        if report is not None:
            on_report(report)
            if report.status in _ENDED:
                return report
        await asyncio.sleep(interval_seconds)
