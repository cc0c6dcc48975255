"""Start the service: `python -m twin_crawler`."""

import asyncio

from twin_common import telemetry
from twin_common.configuration import read
from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import WarehouseSettings
from twin_crawler.app import SERVICE, CrawlerApp
from twin_crawler.settings import CrawlerSettings


async def _serve() -> None:
    await CrawlerApp(read(CrawlerSettings), read(WarehouseSettings), read(KafkaSettings)).run()


def main() -> None:
    """Run until told to stop."""
    telemetry.configure(SERVICE)
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
