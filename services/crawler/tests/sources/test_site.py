"""How a site's pages are found, with a site that is a dictionary."""

import asyncio

from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.source import Fetched, Found, Site
from twin_crawler.sources import article, site

HOME = "https://blog.example.org/"
FEED = "<rss version='2.0'><channel>{}</channel></rss>"


def rss(*links: str) -> str:
    return FEED.format("".join(f"<item><link>{link}</link></item>" for link in links))


def sitemap(*links: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{link}</loc></url>' for link in links)}</urlset>"


async def find(
    pages: dict[str, str | Failure], link: str = HOME, known: tuple[str, ...] = (), max_pages: int = 100
) -> tuple[list[str], list[str]]:
    """What the source finds: paths of pages, and reasons."""

    async def fetch(url: str) -> Fetched | Failure:
        page = pages.get(url.removeprefix("https://blog.example.org"), failure_of_status(404))
        return page if isinstance(page, Failure) else Fetched(url, 200, page.encode(), "text/html")

    found = [entry async for entry in site.SOURCE.find(Site(link, fetch, known, max_pages, 1_000_000))]
    paths = [
        entry.url.removeprefix("https://blog.example.org") for entry in found if isinstance(entry, Found)
    ]
    return paths, [entry.reason for entry in found if isinstance(entry, Failure)]


async def pages_of(pages: dict[str, str], **options: str) -> list[Found]:
    """What the source says of the pages it finds."""

    async def fetch(url: str) -> Fetched | Failure:
        page = pages.get(url.removeprefix("https://blog.example.org"))
        return failure_of_status(404) if page is None else Fetched(url, 200, page.encode(), "text/html")

    found = [
        entry async for entry in site.SOURCE.find(Site(HOME, fetch, (), 100, 1_000_000, options=options))
    ]
    return [entry for entry in found if isinstance(entry, Found)]


class TestSite:
    async def test_feed_then_known_then_sitemap_each_page_once(self) -> None:
        pages: dict[str, str | Failure] = {
            "/": "<html></html>",
            "/feed.xml": rss("/new", "/old/?utm_source=feed"),
            "/sitemap.xml": sitemap("/", "/old", "/oldest", "/feed.xml", "/new"),
        }
        known = (f"{HOME}vanished", f"{HOME}new")
        assert await find(pages, known=known) == (
            ["/new", "/old/?utm_source=feed", "/vanished", "/oldest"],
            [],
        )

    async def test_of_a_feed_with_fifty_thousand_entries_as_many_as_may_be_listed_and_a_word_of_the_rest(
        self,
    ) -> None:
        items = ",".join(f'{{"url": "{HOME}posts/{number}"}}' for number in range(50_000))
        feed = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{items}]}}'
        paths, reasons = await find({"/": "<html></html>", "/feed.json": feed}, max_pages=20_000)
        assert (len(paths), paths[0], paths[-1]) == (20_000, "/posts/0", "/posts/19999")
        assert reasons == ["too_many_pages"]

    async def test_a_long_feed_is_read_beside_the_other_links(self) -> None:
        items = "".join(f"<item><link>{HOME}posts/{number}</link></item>" for number in range(3000))
        others_turns = 0

        async def count_turns() -> None:
            nonlocal others_turns
            while True:
                others_turns += 1
                await asyncio.sleep(0.001)

        counting = asyncio.create_task(count_turns())
        paths, _ = await find({"/": "", "/feed": FEED.format(items)}, f"{HOME}feed", max_pages=5000)
        counting.cancel()
        assert len(paths) == 3000
        assert others_turns > 10

    async def test_the_latest_date_of_change_of_feed_and_sitemap_is_the_pages_revision(self) -> None:
        """Atom's `updated`, RSS' `pubDate` and a sitemap's `lastmod`, as their specifications have them."""
        atom = "".join(
            f"<entry><link href='{HOME}{path}'/><published>2024-01-01</published>{updated}</entry>"
            for path, updated in [
                ("a?utm_source=feed", "<updated>2024-05-07T00:00:00Z</updated>"),
                ("b", "<updated>2024-05-01T00:00:00Z</updated>"),
                ("c", ""),
            ]
        )
        dated = "".join(
            f"<url><loc>{HOME}{path}</loc><lastmod>2024-05-03</lastmod></url>" for path in ("a", "b", "d")
        )
        pages = {
            "/": "",
            "/feed": f"<feed xmlns='http://www.w3.org/2005/Atom'>{atom}</feed>",
            "/sitemap.xml": f"<urlset>{dated}</urlset>",
        }
        assert {found.url.removeprefix(HOME): found.revision for found in await pages_of(pages)} == {
            "a?utm_source=feed": "2024-05-07T00:00:00Z",
            "b": "2024-05-03",
            "c": None,
            "d": "2024-05-03",
        }

    async def test_the_owner_may_leave_out_what_does_not_lie_below_a_path(self) -> None:
        pages = {"/": "", "/sitemap.xml": sitemap("/blog/a", "/blog", "/blogs/b", "/shop/c", "/en/blog/d")}
        for under in ("/blog/", "blog"):
            found = await pages_of(pages, under=under)
            assert [page.url.removeprefix(HOME) for page in found] == ["blog/a", "blog"]

    async def test_same_host_only(self) -> None:
        pages: dict[str, str | Failure] = {
            "/": "<html></html>",
            "/sitemap.xml": sitemap(
                "/a", "https://www.blog.example.org/b", "https://blog.example.org.evil.example/c", "//x.org/d"
            ),
        }
        assert await find(pages) == (["/a", "https://www.blog.example.org/b"], [])

    async def test_a_link_to_a_feed_or_a_sitemap_itself(self) -> None:
        assert await find({"/feed": rss("/a")}, link=f"{HOME}feed") == (["/a"], [])
        assert await find({"/map/sitemap.xml": sitemap("/a")}, link=f"{HOME}map/sitemap.xml") == (["/a"], [])

    async def test_sitemaps_that_name_each_other_end(self) -> None:
        entries = "".join(f"<sitemap><loc>{path}</loc></sitemap>" for path in ("/sitemap.xml", "/s.xml"))
        index = f"<sitemapindex>{entries}</sitemapindex>"
        pages: dict[str, str | Failure] = {"/": "", "/sitemap.xml": index, "/s.xml": sitemap("/a")}
        assert await find(pages) == (["/a"], [])

    async def test_a_front_page_that_is_missing_hides_nothing(self) -> None:
        assert await find({"/sitemap.xml": sitemap("/a")}) == (["/a"], [])

    async def test_a_host_that_cannot_be_reached_is_one_failure(self) -> None:
        pages: dict[str, str | Failure] = {"/": Failure("dns", "the host's name does not resolve")}
        assert await find(pages, known=(f"{HOME}a",)) == ([], ["dns"])

    async def test_nothing_listed_and_too_much_listed(self) -> None:
        assert await find({"/": "<html></html>"}) == ([], ["nothing_listed"])
        assert await find({"/": "", "/feed": rss("https://x.example.org/a")}) == ([], ["nothing_listed"])
        assert await find({"/feed": rss("/a", "/b", "/c")}, f"{HOME}feed", max_pages=2) == (
            ["/a", "/b"],
            ["too_many_pages"],
        )


class TestArticle:
    async def test_the_link_is_the_page(self) -> None:
        async def fetch(url: str) -> Fetched | Failure:
            raise AssertionError(url)

        link = f"{HOME}posts/a"
        found = [entry async for entry in article.SOURCE.find(Site(link, fetch, (), 10, 10))]
        assert found == [Found(link)]
