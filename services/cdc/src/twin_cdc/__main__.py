"""Start the service: `python -m twin_cdc`."""

import asyncio

from twin_cdc.app import CdcApp
from twin_cdc.settings import CdcSettings
from twin_common import telemetry
from twin_common.configuration import read
from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import WarehouseSettings


async def _serve() -> None:
    await CdcApp(read(CdcSettings), read(WarehouseSettings), read(KafkaSettings)).run()


def main() -> None:
    """Run until told to stop."""
    telemetry.configure("cdc")
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
