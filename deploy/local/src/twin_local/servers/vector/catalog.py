"""The table of collections and aliases of one folder, and the collections themselves."""

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from .body import Json, fields, list_of, only_entry, text_of
from .collection import Collection
from .errors import RequestError, collection_not_found, invalid, not_found, wrong_input
from .schema import CollectionSchema

_TABLE = "table.json"
_COLLECTIONS = "collections"
_FORBIDDEN_IN_NAMES = frozenset('<>:"/\\|?*\0\x1f')  # Qdrant's own list
_LONGEST_NAME = 255


@dataclass(frozen=True)
class _Table:
    """What is stored: each collection's folder and creating request, and where aliases point."""

    folders: dict[str, str] = field(default_factory=dict)
    requests: dict[str, Json] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


class Catalog:
    """All collections of a folder, by name and by alias. Every method may be called from any thread.

    The table is replaced as a whole, in memory and on disk, so a reader and a crash see either the old one or
    the new one.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder and load its collections; make it if it is not there.

        Raises RuntimeError if the table or a collection can't be read.
        """
        self._folder = folder
        self._changes = threading.Lock()
        (folder / _COLLECTIONS).mkdir(parents=True, exist_ok=True)
        self._table = _read_table(folder / _TABLE)
        self._remove_leftovers()
        self._collections = {name: self._load(name) for name in self._table.folders}

    def names(self) -> list[str]:
        """The names of all collections."""
        return sorted(self._collections)

    def aliases(self) -> dict[str, str]:
        """Each alias with the collection it points at."""
        return dict(sorted(self._table.aliases.items()))

    def collection(self, name: str) -> Collection:
        """The collection of that name or alias; RequestError 404 if there is none."""
        try:
            return self._collections[self.resolve(name)]
        except KeyError:
            raise collection_not_found(name) from None

    def resolve(self, name: str) -> str:
        """The collection's name that an alias stands for; any other name unchanged."""
        return self._table.aliases.get(name, name)

    def create(self, name: str, body: Json) -> None:
        """Create a collection; RequestError 409 if the name is taken, 400 or 422 if it can't be made."""
        schema = CollectionSchema.from_request(body)
        if not name or len(name) > _LONGEST_NAME or _FORBIDDEN_IN_NAMES & set(name):
            raise invalid(f"{name!r} is not a name for a collection")
        with self._changes:
            if name in self._collections:
                raise RequestError(409, f"Wrong input: Collection `{name}` already exists!")
            if name in self._table.aliases:
                raise wrong_input(
                    f"Can't create collection with name {name}. Alias with the same name already exists"
                )
            folder = uuid4().hex
            collection = Collection.create(self._folder / _COLLECTIONS / folder, schema)
            self._store(
                replace(
                    self._table,
                    folders={**self._table.folders, name: folder},
                    requests={**self._table.requests, name: schema.request},
                )
            )
            self._collections = {**self._collections, name: collection}

    def delete(self, name: str) -> bool:
        """Delete a collection and its aliases; false if there is none of that name. Follows no alias."""
        with self._changes:
            if name not in self._collections:
                return False
            table = self._table
            self._store(
                _Table(
                    folders=_without(table.folders, name),
                    requests=_without(table.requests, name),
                    aliases={alias: target for alias, target in table.aliases.items() if target != name},
                )
            )
            collection = self._collections[name]
            self._collections = _without(self._collections, name)
            collection.close()
            shutil.rmtree(self._folder / _COLLECTIONS / table.folders[name], ignore_errors=True)
            return True

    def change_aliases(self, body: Json) -> None:
        """Create, delete and rename aliases, all together or not at all."""
        request = fields(body, "a change of aliases", required=("actions",))
        with self._changes:
            aliases = dict(self._table.aliases)
            for action in list_of(request["actions"], "actions"):
                kind, content = only_entry(action, "an action")
                if kind not in _ALIAS_ACTIONS:
                    raise invalid(f"an action is one of {', '.join(_ALIAS_ACTIONS)}, not `{kind}`")
                _ALIAS_ACTIONS[kind](aliases, content, self._collections)
            self._store(replace(self._table, aliases=aliases))

    def maintain(self) -> None:
        """See `Collection.maintain`."""
        with self._changes:
            for collection in self._collections.values():
                collection.maintain()

    def close(self) -> None:
        """Make everything durable and let go of the folder."""
        with self._changes:
            for collection in self._collections.values():
                collection.close()

    def _load(self, name: str) -> Collection:
        folder = self._folder / _COLLECTIONS / self._table.folders[name]
        try:
            return Collection.load(folder, CollectionSchema.from_request(self._table.requests[name]))
        except Exception as error:
            raise RuntimeError(
                f"collection `{name}` in {folder} can't be loaded ({error}): {_remedy(self._folder)}"
            ) from error

    def _remove_leftovers(self) -> None:
        """Remove what a crash left of a collection between its folder and its entry in the table."""
        known = set(self._table.folders.values())
        for folder in (self._folder / _COLLECTIONS).iterdir():
            if folder.name not in known:
                shutil.rmtree(folder)

    def _store(self, table: _Table) -> None:
        _write_table(self._folder / _TABLE, table)
        self._table = table


def _without(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}


def _create_alias(aliases: dict[str, str], content: Json, collections: dict[str, Collection]) -> None:
    request = fields(content, "create_alias", required=("collection_name", "alias_name"))
    target, alias = (
        text_of(request["collection_name"], "collection_name"),
        text_of(request["alias_name"], "alias_name"),
    )
    if target not in collections:
        raise collection_not_found(target)
    if alias in collections:
        raise RequestError(409, f"Wrong input: Collection `{alias}` already exists!")
    aliases[alias] = target


def _delete_alias(aliases: dict[str, str], content: Json, _collections: dict[str, Collection]) -> None:
    aliases.pop(
        text_of(fields(content, "delete_alias", required=("alias_name",))["alias_name"], "alias_name"), None
    )


def _rename_alias(aliases: dict[str, str], content: Json, collections: dict[str, Collection]) -> None:
    request = fields(content, "rename_alias", required=("old_alias_name", "new_alias_name"))
    old, new = request["old_alias_name"], text_of(request["new_alias_name"], "new_alias_name")
    if old not in aliases:
        raise not_found(f"Alias {old} does not exists!")
    if new in collections:
        raise RequestError(409, f"Wrong input: Collection `{new}` already exists!")
    aliases[new] = aliases.pop(old)


_ALIAS_ACTIONS: dict[str, Callable[[dict[str, str], Json, dict[str, Collection]], None]] = {
    "create_alias": _create_alias,
    "delete_alias": _delete_alias,
    "rename_alias": _rename_alias,
}


def _remedy(folder: Path) -> str:
    return f"restore {folder} from a copy, or remove it and let `twin reconcile` fill a new one"


def _read_table(path: Path) -> _Table:
    try:
        return _Table(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return _Table()
    except (TypeError, ValueError) as error:
        raise RuntimeError(
            f"{path} is not a table of collections ({error}): {_remedy(path.parent)}"
        ) from error


def _write_table(path: Path, table: _Table) -> None:
    """Replace the file so that a crash at any moment leaves the old table or the new one."""
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(orjson.dumps(table))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
