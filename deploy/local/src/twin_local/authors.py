"""Registering an author on a platform, with a key that this machine keeps."""

from pathlib import Path

import yaml
from pydantic import ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from twin_common.authors import Author, Link
from twin_common.warehouse import Warehouse
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.yaml_places import Place, find_places


class _AuthorFile(Author):
    """An author as a person writes it: what is misspelt is no news from a newer version."""

    model_config = ConfigDict(extra="forbid")


def read_author_file(path: Path) -> Author:
    """Read an author's YAML file.

    Raises:
        PlatformError: unreadable, no YAML, or not the shape; the text names line, column and remedy, and
            repeats no value, since one may be a secret.
    """
    try:
        text = path.read_text(encoding="utf-8")
        places = find_places(text)
        fields = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError(f"{path} cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise PlatformError(f"{where}: this is no YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise PlatformError(f"{path}: this is no YAML: {error}") from error
    try:
        return Author.model_validate(_AuthorFile.model_validate(fields).model_dump())
    except ValidationError as error:
        problems = [
            f"{path}:{_place_of(entry['loc'], places)}: {_name(entry['loc'])}: {_remedy(entry)}"
            for entry in error.errors(include_url=False, include_input=False)
        ]
        raise PlatformError("\n".join(problems)) from error


async def register_author(connection: Connection, author: Author) -> str | None:
    """Store the author; where this machine holds no key of theirs, make one, keep it and return it."""
    from twin_rag_api.auth import ApiKeys

    async with Warehouse(connection.warehouse) as warehouse:
        await warehouse.authors.put(author)
        if author.author_id in connection.home.api_keys():
            return None
        key = await ApiKeys(warehouse.database).create(author.author_id, "this machine")
    connection.home.save_key(author.author_id, key)
    return key


def _name(location: tuple[str | int, ...]) -> str:
    return ".".join(map(str, location)) or "file"


def _place_of(location: tuple[str | int, ...], places: dict[tuple[str | int, ...], Place]) -> Place:
    """The place of the deepest node on the way to a field that the file has."""
    while location and location not in places:
        location = location[:-1]
    return places.get(location, Place(1, 1))


def _remedy(error: ErrorDetails) -> str:
    fields = ", ".join((Link if error["loc"][:1] == ("links",) else Author).model_fields)
    match error["type"]:
        case "extra_forbidden":
            return f"no such field; there are {fields}"
        case "missing":
            return "this field is missing: add it"
        case "model_type":
            return f"write a mapping with {fields}"
        case _:
            return error["msg"].removeprefix("Value error, ")
