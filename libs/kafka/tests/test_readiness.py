"""/readyz says which of the two servers is missing, until both have answered."""

import asyncio

from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import Warehouse
from twin_kafka.producer import EventProducer
from twin_kafka.readiness import Readiness
from twin_local.ports import free_port


async def test_it_is_ready_once_both_were_reached(warehouse: Warehouse, kafka_bootstrap: str) -> None:
    producer = EventProducer(KafkaSettings(bootstrap_servers=kafka_bootstrap), "crawler")
    readiness = Readiness(warehouse, producer)
    assert readiness.problem == "starting"
    await readiness.reach()
    await readiness.reached()
    assert readiness.problem is None
    await producer.close()


async def test_a_kafka_that_is_away_is_named(warehouse: Warehouse) -> None:
    address = f"127.0.0.1:{free_port()}"
    readiness = Readiness(warehouse, EventProducer(KafkaSettings(bootstrap_servers=address), "crawler"))
    reaching = asyncio.create_task(readiness.reach())
    async with asyncio.timeout(60):
        while address not in (readiness.problem or ""):
            await asyncio.sleep(0.05)
    assert not reaching.done()
    reaching.cancel()
    await asyncio.gather(reaching, return_exceptions=True)
