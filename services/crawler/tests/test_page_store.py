"""What a batch is counted as when the warehouse's answers get lost."""

import io
import json

import pytest
from pymongo.errors import AutoReconnect

from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_common.warehouse import PageState, Warehouse
from twin_crawler.page_memory import PageMemory
from twin_crawler.page_store import PageStore, PageVisit
from twin_crawler.reporter import Reporter
from twin_crawler.source import Found
from twin_crawler.visits import PageAddress, Written

_ADA = AuthorId("ada")
_LINK = "https://ada.example/"


def visit(number: int) -> PageVisit:
    url = f"{_LINK}{number}"
    address = PageAddress(_ADA, Found(url), _LINK, Category.ARTICLE, "web")
    draft = DocumentDraft.at(_ADA, url, category=Category.ARTICLE, text=f"Text {number}")
    state = PageState(author_id=_ADA, url=url, document_id=draft.document_id, category=Category.ARTICLE)
    return PageVisit(address, Written(state, draft))


class TestLostAnswers:
    @pytest.mark.parametrize("lost", ["put_many", "save_pages"])
    async def test_a_batch_that_is_given_again_counts_once_and_as_what_it_did(
        self, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, lost: str
    ) -> None:
        room = warehouse.documents if lost == "put_many" else warehouse.crawls
        write, answers = getattr(room, lost), [AutoReconnect("the answer was lost")]

        async def lose_first_answer(*arguments: object) -> object:
            done = await write(*arguments)
            if answers:
                raise answers.pop()
            return done

        monkeypatch.setattr(room, lost, lose_first_answer)
        output = io.BytesIO()
        reporter = Reporter(output, [_LINK])
        store = PageStore(warehouse, PageMemory({}, {}), reporter, None)
        batch, written_at = [visit(number) for number in range(4)], utc_now()
        with pytest.raises(AutoReconnect):
            await store.store(batch, written_at)
        await store.store(batch, written_at)
        reporter.write()
        counts = json.loads(output.getvalue())["counts"]
        assert (counts["inserted"], counts["unchanged"]) == (4, 0)
