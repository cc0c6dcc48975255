"""The text of a page or a PDF, read in a process of its own.

A parser of strangers' files may hang, or want all memory there is: the process has limits, and is killed
when it takes too long. `python -m twin_rag_api.writing.page_text TYPE URL` reads a file from its standard
input and writes JSON.
"""

import asyncio
import io
import json
import re
import resource
import sys
from dataclasses import dataclass

from twin_rag_api.writing.link_fetch import Fetched, LinkFailed

_SECONDS = 20
_MEMORY_BYTES = 1024 * 1024 * 1024
_PDF_PAGES = 60
_CHARACTERS = 400_000
_PASSWORD_FIELD = re.compile(r"<input\b[^>]*\btype\s*=\s*[\"']?password", re.IGNORECASE)
_LITTLE_TEXT = 600
"""A page with a password field and less text than this is a page to sign in."""


@dataclass(frozen=True)
class PageText:
    """What a linked page says."""

    url: str
    title: str
    text: str
    pages: int = 0
    """Of a PDF."""
    read_pages: int = 0


async def read_page(fetched: Fetched) -> PageText:
    """The text of what was fetched.

    Raises:
        LinkFailed: there is none that can be read.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "twin_rag_api.writing.page_text", fetched.content_type, fetched.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, _ = await process.communicate(fetched.body)
    except TimeoutError as error:
        raise LinkFailed("unreadable", f"its text could not be read within {_SECONDS} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise LinkFailed("unreadable", "its text cannot be read: the file is broken, or too complicated")
    found = json.loads(output)
    if reason := found.get("reason"):
        raise LinkFailed(reason, found["detail"])
    return PageText(fetched.url, **found)


def main(content_type: str, url: str) -> None:
    """Read, within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    body = sys.stdin.buffer.read()
    try:
        found = _pdf(body) if content_type == "application/pdf" else _page(body, content_type, url)
    except LinkFailed as error:
        found = {"reason": error.reason, "detail": str(error)}
    if not str(found.get("text", "-")).strip():
        found = {"reason": "no_text", "detail": "there is no text in it that can be read"}
    sys.stdout.write(json.dumps(found))


def _pdf(body: bytes) -> dict[str, object]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            raise LinkFailed("login", "the PDF is locked with a password")
        pages = len(reader.pages)
        texts: list[str] = []
        for page in reader.pages[:_PDF_PAGES]:
            texts.append(page.extract_text())
            if sum(map(len, texts)) > _CHARACTERS:
                break
        title = str((reader.metadata and reader.metadata.title) or "")
    except PyPdfError as error:
        raise LinkFailed("unreadable", "the PDF is broken") from error
    return {
        "title": title,
        "text": "\n\n".join(texts)[:_CHARACTERS],
        "pages": pages,
        "read_pages": len(texts),
    }


def _page(body: bytes, content_type: str, url: str) -> dict[str, object]:
    text = body.decode("utf-8", errors="replace")
    if "html" not in content_type and not re.match(r"\s*(?:<!doctype html|<html)", text, re.IGNORECASE):
        if text.count("\ufffd") + text.count("\0") > len(text) // 50:
            raise LinkFailed("kind", "it is neither a page nor a text nor a PDF")
        heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
        return {"title": heading[1].strip() if heading else "", "text": text[:_CHARACTERS]}
    from trafilatura import extract as extract_text
    from trafilatura import extract_metadata

    found = (
        extract_text(body, url=url, output_format="markdown", include_links=False, favor_recall=True) or ""
    )
    if _PASSWORD_FIELD.search(text) and len(found) < _LITTLE_TEXT:
        raise LinkFailed("login", "it is a page where one has to sign in")
    metadata = extract_metadata(body)
    return {"title": str((metadata and metadata.title) or ""), "text": found[:_CHARACTERS]}


if __name__ == "__main__":
    main(*sys.argv[1:])
