"""Registered authors, against a real server."""

import pytest

from twin_common.authors import Author
from twin_common.errors import UnknownAuthor
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse

_ADA = Author(author_id=AuthorId("ada"), name="Ada", links=("https://ada.example/feed",))


class TestAuthors:
    async def test_one_that_was_put_comes_back(self, warehouse: Warehouse) -> None:
        await warehouse.authors.put(_ADA)
        assert await warehouse.authors.get(_ADA.author_id) == _ADA

    async def test_putting_again_replaces(self, warehouse: Warehouse) -> None:
        await warehouse.authors.put(_ADA)
        await warehouse.authors.put(_ADA.model_copy(update={"links": ()}))
        assert (await warehouse.authors.get(_ADA.author_id)).links == ()

    async def test_all_stand_in_the_order_of_their_ids(self, warehouse: Warehouse) -> None:
        for name in ("bob", "ada", "carl"):
            await warehouse.authors.put(Author(author_id=AuthorId(name), name=name))
        assert [author.author_id for author in await warehouse.authors.all()] == ["ada", "bob", "carl"]

    async def test_an_unknown_one_is_named_with_the_remedy(self, warehouse: Warehouse) -> None:
        with pytest.raises(UnknownAuthor, match=r"'bob'.*twin author add"):
            await warehouse.authors.get(AuthorId("bob"))
        assert await warehouse.authors.all() == []
