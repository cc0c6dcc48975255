"""Keys, and the scope that only they open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy import api as mypy

from twin_common.clock import utc_now
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_rag_api.auth import ApiKeys, Authenticator, AuthorScope, Unauthenticated, hash_key

ADA = AuthorId("ada")


class TestKeys:
    async def test_a_key_opens_its_author(self, warehouse: Warehouse) -> None:
        key = await ApiKeys(warehouse.database).create(ADA, "laptop")
        scope = await Authenticator(ApiKeys(warehouse.database)).authenticate(key)
        assert scope.author_id == ADA

    async def test_the_key_itself_is_stored_nowhere(self, warehouse: Warehouse) -> None:
        key = await ApiKeys(warehouse.database).create(ADA, "laptop")
        row = await warehouse.database["api_keys"].find_one({})
        assert row is not None
        assert row["_id"] == hash_key(key)
        assert key.removeprefix("twin_") not in str(row)

    async def test_keys_have_256_random_bits(self, warehouse: Warehouse) -> None:
        keys = {await ApiKeys(warehouse.database).create(ADA, "laptop") for _ in range(20)}
        assert len(keys) == 20
        assert all(key.startswith("twin_") and len(key) == 48 for key in keys)

    @pytest.mark.parametrize("key", ["", "twin_", "twin_unknown", "sk-other", "twin_" + "x" * 10_000])
    async def test_any_other_text_opens_nothing(self, warehouse: Warehouse, key: str) -> None:
        await ApiKeys(warehouse.database).create(ADA, "laptop")
        with pytest.raises(Unauthenticated):
            await Authenticator(ApiKeys(warehouse.database)).authenticate(key)

    async def test_a_revoked_key_is_shut_within_seconds(self, warehouse: Warehouse) -> None:
        keys, now = ApiKeys(warehouse.database), 0.0
        key = await keys.create(ADA, "laptop")
        other = await keys.create(ADA, "phone")
        authenticator = Authenticator(keys, now=lambda: now)
        await authenticator.authenticate(key)
        assert await keys.revoke(ADA, "laptop") == 1
        assert await keys.revoke(ADA, "laptop") == 0
        now = 5.0
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(key)
        assert (await authenticator.authenticate(other)).author_id == ADA

    async def test_an_expired_key_opens_nothing(self, warehouse: Warehouse) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        keys = ApiKeys(warehouse.database, clock=lambda: now)
        key = await keys.create(ADA, "visit", expires_at=now + timedelta(hours=1))
        assert (await Authenticator(keys).authenticate(key)).author_id == ADA
        now += timedelta(hours=1)
        with pytest.raises(Unauthenticated):
            await Authenticator(keys).authenticate(key)

    async def test_a_key_can_be_named_and_shut_by_its_id(self, warehouse: Warehouse) -> None:
        keys = ApiKeys(warehouse.database)
        for _ in range(2):
            await keys.create(ADA, "laptop")
        await keys.create(AuthorId("bob"), "laptop")
        first, second = await keys.all(ADA)
        assert first.key_id != second.key_id
        assert await keys.revoke(AuthorId("bob"), first.key_id) == 0
        assert await keys.revoke(ADA, first.key_id) == 1
        now = utc_now()
        assert {record.key_id: record.opens(now) for record in await keys.all(ADA)} == {
            first.key_id: False,
            second.key_id: True,
        }


class Counting:
    def __init__(self) -> None:
        self.calls = 0

    async def owner(self, key_hash: str) -> AuthorId | None:
        self.calls += 1
        return ADA if key_hash == hash_key("twin_right") else None


class TestCache:
    async def test_most_requests_ask_no_warehouse(self) -> None:
        directory = Counting()
        authenticator = Authenticator(directory)
        for _ in range(50):
            await authenticator.authenticate("twin_right")
        assert directory.calls == 1

    async def test_it_is_bounded(self) -> None:
        authenticator = Authenticator(Counting())
        for number in range(5000):
            with pytest.raises(Unauthenticated):
                await authenticator.authenticate(f"twin_{number}")
        assert len(authenticator._known) <= 4096


_PROGRAM = """
from twin_common.embedding import SparseVector
from twin_common.identity import AuthorId
from twin_rag_api.auth import AuthorScope
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.passages import SearchFilters
from twin_rag_api.retrieval.self_query import Reading
from twin_rag_api.retrieval.service import Retrieval
from twin_rag_api.generation.service import Answers
from twin_rag_api.documents import DocumentDirectory
from twin_rag_api.crawls import Crawls
from twin_rag_api.generation.engine_registry import EngineRegistry
from twin_rag_api.writing.drafts import Content, Drafts
from twin_rag_api.writing.presets import presets
from twin_rag_api.writing.service import Writing


async def use(
    scope: AuthorScope,
    retrieval: Retrieval,
    index: HybridSearch,
    answers: Answers,
    documents: DocumentDirectory,
    crawls: Crawls,
    engines: EngineRegistry,
    writing: Writing,
    drafts: Drafts,
) -> None:
    {statement}
"""
_CALLS = [
    "await retrieval.search({scope}'question', 5)",
    "await retrieval.unknown_names({scope}'question')",
    "await retrieval.find({scope}Reading('question', 'question'), 5)",
    "await index.search({scope}[0.0], SparseVector([], []), SearchFilters(), 5)",
    "await index.occurring({scope}[1])",
    "await answers.find_sources({scope}'question')",
    "await documents.page({scope}0, 10)",
    "await crawls.request({scope}())",
    "await crawls.report({scope}'run')",
    "engines.choose({scope}'twin')",
    "await writing.gather({scope}presets()['post'], 'idea', None, ())",
    "await drafts.create({scope}Content('post', '', ''))",
    "await drafts.page({scope}0, 10)",
    "await drafts.one({scope}'draft')",
    "await drafts.save({scope}'draft', '', '')",
    "await drafts.delete({scope}'draft')",
]


def _check(statements: list[str]) -> tuple[str, int]:
    program = _PROGRAM.format(statement="\n    ".join(statements))
    output, _, status = mypy.run(["--strict", "--config-file=", "-c", program])
    return output, status


class TestTypes:
    """The checker refuses to read an author's data without the proof of an author."""

    def test_with_a_scope_every_call_is_fine(self) -> None:
        output, status = _check([call.format(scope="scope, ") for call in _CALLS])
        assert status == 0, output

    def test_a_str_an_id_or_nothing_is_refused_everywhere(self) -> None:
        wrong = ["'ada', ", "AuthorId('ada'), ", "None, ", ""]
        statements = [call.format(scope=scope) for call in _CALLS for scope in wrong]
        output, status = _check(statements)
        assert status == 1
        first = _PROGRAM.split("{statement}", maxsplit=1)[0].count("\n") + 1
        refused = {int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line}
        assert refused == set(range(first, first + len(statements))), output

    def test_nobody_else_can_make_one(self) -> None:
        output, status = _check(
            ["AuthorScope(AuthorId('ada'), 'key')", "AuthorScope(AuthorId('ada'), 'key', object())"]
        )
        assert status == 1
        assert output.count(": error:") == 2

    @pytest.mark.parametrize("seal", [None, object(), "seal"])
    def test_not_even_at_run_time(self, seal: Any) -> None:
        with pytest.raises(TypeError):
            AuthorScope(ADA, "key", seal)
