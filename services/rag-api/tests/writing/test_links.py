"""Links in a request: what is read of them, and what is told of those that cannot be."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from pypdf import PdfWriter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_rag_api.writing.knowledge import cut
from twin_rag_api.writing.link_fetch import Fetched, FetchPolicy, LinkFailed, LinkFetcher
from twin_rag_api.writing.page_text import read_page
from twin_rag_api.writing.readable_address import readable_address

from ..conftest import serving

PAGE = (
    "<html><head><title>On tides</title></head><body><nav>Home</nav><article><h1>On tides</h1>"
    + "".join(
        f"<p>Tide number {n} turns slowly in the harbour while the boats wait outside.</p>" for n in range(20)
    )
    + "</article></body></html>"
)
LOGIN = "<html><body><form><input name=a><input type='password' name=p></form></body></html>"


def pdf(pages: int) -> bytes:
    """A PDF with a line of text on each page."""
    from pypdf import PageObject
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    for number in range(pages):
        page: PageObject = writer.add_blank_page(300, 300)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td (Tide table of page {number}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


async def _hang(_: Request) -> Response:
    await asyncio.sleep(60)
    return PlainTextResponse("late")


def _bomb(_: Request) -> Response:
    body = gzip.compress(b"0" * 30_000_000)
    return Response(body, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})


SITE = Starlette(
    routes=[
        Route("/tides", lambda _: HTMLResponse(PAGE)),
        Route("/plain.md", lambda _: PlainTextResponse("# Tides\n\nThey turn.")),
        Route("/moved", lambda _: RedirectResponse("/tides")),
        Route("/inside", lambda _: RedirectResponse("http://169.254.169.254/latest/meta-data")),
        Route("/round", lambda _: RedirectResponse("/round")),
        Route("/to-login", lambda _: RedirectResponse("/login?next=x")),
        Route("/form", lambda _: HTMLResponse(LOGIN)),
        Route("/locked", lambda _: PlainTextResponse("no", 403)),
        Route("/gone", lambda _: PlainTextResponse("no", 404)),
        Route("/image", lambda _: Response(b"x", media_type="image/png")),
        Route("/binary", lambda _: Response(bytes(range(256)) * 40, media_type="text/plain")),
        Route("/empty", lambda _: HTMLResponse("<html><body></body></html>")),
        Route("/large", lambda _: PlainTextResponse("x" * 6_000_000)),
        Route("/bomb", _bomb),
        Route("/hang", _hang),
        Route("/paper", lambda _: Response(pdf(3), media_type="application/pdf")),
        Route("/book", lambda _: Response(pdf(500), media_type="application/pdf")),
        Route("/broken", lambda _: Response(b"%PDF-1.7 nothing", media_type="application/pdf")),
    ]
)


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with serving(SITE) as url:
        yield url


def fetcher(site: str, seconds: float = 20) -> LinkFetcher:
    guard = LinkGuard(LinkPolicy(trusted_endpoints=frozenset((urlsplit(site).netloc,))))
    return LinkFetcher(guard, FetchPolicy(seconds=seconds))


async def reason(work: object) -> str:
    with pytest.raises(LinkFailed) as caught:
        await work  # type: ignore[misc]
    return caught.value.reason


class TestFetch:
    async def test_a_page_and_one_that_moved(self, site: str) -> None:
        for path in ("/tides", "/moved"):
            page = await read_page(await fetcher(site).fetch(site + path))
            assert page.title == "On tides"
            assert "Tide number 7 turns slowly" in page.text
            assert page.url == f"{site}/tides"

    async def test_a_plain_text(self, site: str) -> None:
        page = await read_page(await fetcher(site).fetch(f"{site}/plain.md"))
        assert (page.title, page.text) == ("Tides", "# Tides\n\nThey turn.")

    @pytest.mark.parametrize(
        ("path", "word"),
        [
            ("/inside", "private"),
            ("/round", "redirects"),
            ("/to-login", "login"),
            ("/locked", "login"),
            ("/gone", "status"),
            ("/image", "kind"),
            ("/large", "too_large"),
            ("/bomb", "too_large"),
        ],
    )
    async def test_what_is_refused_has_its_word(self, site: str, path: str, word: str) -> None:
        assert await reason(fetcher(site).fetch(site + path)) == word

    async def test_one_that_never_comes(self, site: str) -> None:
        assert await reason(fetcher(site, seconds=0.5).fetch(f"{site}/hang")) == "timeout"

    @pytest.mark.parametrize(
        "link",
        [
            "http://127.0.0.1/",
            "http://localhost/",
            "http://[::1]/",
            "http://10.0.0.1/",
            "file:///etc/passwd",
            "ftp://a.example/",
            "nonsense",
            "",
        ],
    )
    async def test_a_place_that_is_not_public(self, site: str, link: str) -> None:
        assert await reason(fetcher(site).fetch(link)) == "private"

    async def test_a_name_that_points_inside_is_not_connected_to(self, site: str) -> None:
        asked: list[str] = []

        async def rebinding(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        guarded = LinkFetcher(LinkGuard(), resolve_host=rebinding)
        assert await reason(guarded.fetch("http://pages.ada-blog.net/x")) == "private"
        assert asked == ["pages.ada-blog.net"]


class TestRead:
    async def test_a_paper(self, site: str) -> None:
        page = await read_page(await fetcher(site).fetch(f"{site}/paper"))
        assert "Tide table of page 2" in page.text
        assert (page.pages, page.read_pages) == (3, 3)

    async def test_of_a_book_the_beginning(self, site: str) -> None:
        page = await read_page(await fetcher(site).fetch(f"{site}/book"))
        assert page.pages == 500
        assert 0 < page.read_pages < 100

    @pytest.mark.parametrize(
        ("path", "word"),
        [("/form", "login"), ("/broken", "unreadable"), ("/empty", "no_text"), ("/binary", "kind")],
    )
    async def test_what_cannot_be_read_has_its_word(self, site: str, path: str, word: str) -> None:
        fetched = await fetcher(site).fetch(site + path)
        assert await reason(read_page(fetched)) == word

    async def test_an_empty_file(self) -> None:
        assert await reason(read_page(Fetched("https://a.example/", "text/html", b""))) == "no_text"


class TestAddresses:
    @pytest.mark.parametrize(
        ("link", "readable"),
        [
            (
                "https://github.com/ada/harbour",
                "https://raw.githubusercontent.com/ada/harbour/HEAD/README.md",
            ),
            (
                "https://github.com/ada/harbour.git",
                "https://raw.githubusercontent.com/ada/harbour/HEAD/README.md",
            ),
            (
                "https://github.com/ada/harbour/blob/main/a/b.py",
                "https://raw.githubusercontent.com/ada/harbour/main/a/b.py",
            ),
            ("https://gitlab.com/ada/harbour", "https://gitlab.com/ada/harbour/-/raw/HEAD/README.md"),
            ("https://arxiv.org/abs/1706.03762v7", "https://arxiv.org/pdf/1706.03762v7"),
            ("https://github.com/ada/harbour/issues/4", "https://github.com/ada/harbour/issues/4"),
            ("https://ada.example/a?b=c#d", "https://ada.example/a?b=c"),
        ],
    )
    def test_table(self, link: str, readable: str) -> None:
        assert readable_address(link) == readable


class TestCut:
    def test_paragraphs_together_and_long_ones_apart(self) -> None:
        text = "One.\n\nTwo.\n\n" + "A sentence of some length. " * 20
        pieces = cut(text, 100)
        assert pieces[0].startswith("One.\n\nTwo.")
        assert all(len(piece) <= 100 for piece in pieces)
        assert "".join("".join(pieces).split()) == "".join(text.split())
