"""`twin keys` against a real warehouse."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from twin_common.documents import Author
from twin_common.errors import UnknownAuthor
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_local.cli.main import app
from twin_local.errors import PlatformError
from twin_rag_api.auth import ApiKeys, Authenticator, Unauthenticated

ADA = AuthorId("ada")


@pytest.fixture
async def twin(
    warehouse: Warehouse, mongodb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of a command, and an author it may name."""
    await warehouse.authors.put(Author(author_id=ADA, name="Ada"))
    for name, value in {
        "TWIN_HOME": str(tmp_path),
        "MONGODB_URL": mongodb_url,
        "MONGODB_DATABASE": warehouse.database.name,
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)


async def run(*arguments: str) -> Result:
    import asyncio

    return await asyncio.to_thread(CliRunner().invoke, app, ["keys", *arguments, "--author", "ada"])


@pytest.mark.usefixtures("twin")
class TestKeys:
    async def test_one_is_made_listed_and_shut(self, warehouse: Warehouse) -> None:
        made = await run("create", "phone", "--days", "30")
        key = made.output.split()[-1]
        keys = ApiKeys(warehouse.database)
        assert (await Authenticator(keys).authenticate(key)).author_id == ADA
        (record,) = await keys.all(ADA)
        listed = (await run("list")).output
        assert record.key_id in listed
        assert "phone" in listed
        assert "valid until" in listed
        assert key.removeprefix("twin_") not in listed
        assert "Revoked 1 key of ada" in (await run("revoke", record.key_id)).output
        assert "revoked" in (await run("list")).output
        with pytest.raises(Unauthenticated):
            await Authenticator(keys).authenticate(key)

    async def test_what_does_not_exist_is_named(self) -> None:
        result = await run("revoke", "phone")
        assert isinstance(result.exception, PlatformError)
        assert "no valid key 'phone'" in str(result.exception)

    async def test_a_stranger_gets_no_key(self, warehouse: Warehouse) -> None:
        await warehouse.database["authors"].delete_one({"_id": ADA})
        result = await run("create", "phone")
        assert isinstance(result.exception, UnknownAuthor)
        assert await ApiKeys(warehouse.database).all(ADA) == []
