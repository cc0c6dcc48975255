"""What the owner thinks of an answer."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from twin_common.events import FeedbackGiven, Rating, decode
from twin_common.topics import FEEDBACK
from twin_common.warehouse import Warehouse

from ..conftest import ADA, BOB, Api, StartApi
from .test_problems import problem

GIVEN: dict[str, Any] = {
    "completion_id": "chatcmpl-1",
    "prompt": "Why a winch?",
    "answer": "Because.",
    "rating": "down",
    "edit": "It holds the rope.",
}


class TestFeedback:
    async def test_it_is_kept_and_published_as_the_authors(
        self, start_api: StartApi, kafka_bootstrap: str, warehouse: Warehouse
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        counted = await api.figure('twin_feedback_total{rating="down"}')
        response = await api.post("/v1/feedback", GIVEN)
        assert response.status_code == 201
        assert await api.figure('twin_feedback_total{rating="down"}') == counted + 1
        (kept,) = await warehouse.feedback.all(ADA)
        assert kept.feedback_id == response.json()["feedback_id"]
        assert (kept.rating, kept.edit) == (Rating.DOWN, "It holds the rope.")
        assert await warehouse.feedback.all(BOB) == []
        consumer = AIOKafkaConsumer(
            FEEDBACK.name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for message in consumer:
                if ("ce_id", kept.feedback_id.encode()) in message.headers:
                    break
        finally:
            await consumer.stop()
        assert message.key == b"ada"
        assert decode(message.value, message.headers, FeedbackGiven).event == kept

    async def test_kafka_being_away_is_told_and_nothing_is_kept(self, api: Api, warehouse: Warehouse) -> None:
        problem(await api.post("/v1/feedback", GIVEN), 503)
        assert await warehouse.feedback.all(ADA) == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"rating": None, "edit": None},
            {"rating": "sideways"},
            {"author_id": "bob"},
            {"prompt": ""},
            {"edit": "x" * 70_000},
        ],
    )
    async def test_what_says_nothing_or_too_much_is_refused(self, api: Api, wrong: dict[str, Any]) -> None:
        problem(await api.post("/v1/feedback", GIVEN | wrong), 422)
