"""Registering an author on a platform, with a key that this machine keeps."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from twin_common.documents import Author
from twin_common.warehouse import Warehouse
from twin_local.connection import Connection
from twin_local.errors import PlatformError


def read_author_file(path: Path) -> Author:
    """Read an author's YAML file.

    Raises:
        PlatformError: unreadable, no YAML, or not the shape; the text names the field.
    """
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Author.model_validate(fields)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlatformError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, entry['loc'])) or 'file'}: {entry['msg']}"
            for entry in error.errors(include_url=False, include_input=False)
        )
        raise PlatformError(f"{path}: {problems}") from error


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
