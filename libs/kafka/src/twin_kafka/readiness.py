"""Whether the two servers that a consumer lives between answer."""

import asyncio

from aiokafka.errors import KafkaError

from twin_common.errors import ServerUnavailable
from twin_common.warehouse import Warehouse
from twin_kafka.producer import EventProducer
from twin_kafka.waiting import RETRY_SECONDS

_PROBE_SECONDS = 5.0


class Readiness:
    """What /readyz says: waits for warehouse and Kafka at the start, and looks after both from then on."""

    def __init__(self, warehouse: Warehouse, producer: EventProducer) -> None:
        self._warehouse = warehouse
        self._producer = producer
        self._reached = asyncio.Event()
        self.problem: str | None = "starting"
        """What is missing, as a sentence; None while both answer."""

    async def reach(self) -> None:
        """Wait until both servers answer."""
        self._tell("waiting for the warehouse")
        await self._warehouse.wait_until_ready(RETRY_SECONDS, self._tell)
        await self._producer.connect(self._tell)
        self.problem = None
        self._reached.set()

    async def reached(self) -> None:
        """Return once both have answered."""
        await self._reached.wait()

    async def watch(self) -> None:
        """Probe both every few seconds once they were reached, until cancelled."""
        await self.reached()
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            self.problem = await self._find_problem()

    async def close(self) -> None:
        """Let go of both."""
        await self._producer.close()
        await self._warehouse.client.close()

    def _tell(self, problem: str) -> None:
        self.problem = problem

    async def _find_problem(self) -> str | None:
        try:
            await self._warehouse.ping()
            await self._producer.ping()
        except ServerUnavailable as error:
            return str(error)
        except KafkaError as error:
            return f"Kafka does not answer: {error}"
        return None
