"""How many tokens a text has for a model."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from twin_common.errors import TwinError

if TYPE_CHECKING:
    pass

_BYTES_A_TOKEN = 2


class UnreadableTokenizer(TwinError):
    """The file that was named is no tokenizer."""


class TokenCounter(Protocol):
    """Counts as the model does, or never less than it."""

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""


class EstimatedTokens:
    """For a model whose tokenizer is unknown: a token for every two bytes of UTF-8.

    Byte-pair vocabularies of the last years need between three and five bytes of prose for a token, and
    about three of code; two are on the safe side, so that a prompt is cut early and never by the server.
    """

    async def count(self, texts: Sequence[str]) -> list[int]:
        return [-(-len(text.encode()) // _BYTES_A_TOKEN) for text in texts]


class FileTokens:
    """Counts with the model's own tokenizer.json."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            UnreadableTokenizer: the file is not there, or is something else.
        """
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise UnreadableTokenizer(
                f"RAG_API_LLM_TOKENIZER names {path}, which is no tokenizer.json: {error}"
            ) from error

    async def count(self, texts: Sequence[str]) -> list[int]:
        encode = self._tokenizer.encode_batch
        encoded = await asyncio.to_thread(encode, list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encoded]
