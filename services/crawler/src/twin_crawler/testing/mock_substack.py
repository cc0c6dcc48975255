"""A Substack publication under a domain of its own, on loopback.

Its structure was learnt from public clients of the same endpoints and from their recorded answers: the
front page loads from substackcdn.com and carries `window._preloads`; `/api/v1/archive` gives posts without
their bodies, newest first, a few at a time; `/api/v1/posts/SLUG` gives one with `body_html`; a deleted
post answers 404 with JSON; asked too fast, everything answers 429.
"""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from twin_crawler.testing.mock_site import MockSite, respond

_ARCHIVE_PAGE = 12
_JSON = "application/json; charset=utf-8"
_FRONT_PAGE = (
    '<html><head><link rel="preconnect" href="https://substackcdn.com"></head><body>'
    '<script>window._preloads = JSON.parse("{}")</script></body></html>'
)


@dataclass
class MockSubstack:
    """The publication's posts by their slugs; what a test changes is served at once."""

    site: MockSite
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def publish(self, slug: str, **fields: Any) -> None:
        """Publish a post, or change some of its fields."""
        sentences = " ".join(f"On {slug}, sentence {number} of a log that grows." for number in range(12))
        before = self.posts.get(slug) or {
            "id": len(self.posts) + 1,
            "type": "newsletter",
            "slug": slug,
            "title": f"On {slug}",
            "subtitle": "",
            "post_date": f"2024-05-{len(self.posts) % 28 + 1:02d}T09:00:00.000Z",
            "audience": "everyone",
            "canonical_url": f"{self.site.url}/p/{slug}",
            "wordcount": len(sentences.split()),
            "reaction_count": 0,
            "truncated_body_text": sentences[:60],
            "publishedBylines": [{"id": 7, "name": "Ada Stone", "handle": "ada", "is_guest": False}],
            "body_html": f"<p>{sentences}</p><div class='subscription-widget-wrap'><p>Subscribe</p></div>",
        }
        self.posts[slug] = before | fields
        self._serve()

    def delete(self, slug: str) -> None:
        del self.posts[slug]
        self.site.pages[f"/api/v1/posts/{slug}"] = respond(404, b'{"error":"Not Found"}', _JSON)
        self._serve()

    def _serve(self) -> None:
        self.site.pages["/"] = _FRONT_PAGE
        newest_first = sorted(self.posts.values(), key=lambda post: post["id"], reverse=True)
        listed = [post | {"body_html": None} for post in newest_first]
        for offset in range(len(listed) + 1):
            page = json.dumps(listed[offset : offset + _ARCHIVE_PAGE]).encode()
            path = f"/api/v1/archive?sort=new&search=&offset={offset}&limit=50"
            self.site.pages[path] = respond(200, page, _JSON)
        for slug, post in self.posts.items():
            self.site.pages[f"/api/v1/posts/{slug}"] = respond(200, json.dumps(post).encode(), _JSON)


def throttle_once(site: MockSite, path: str) -> None:
    """Answer 429 with Retry-After to the next request for a path, then as before."""
    before = site.pages[path]

    def answer(request: BaseHTTPRequestHandler) -> None:
        site.pages[path] = before
        respond(429, b"Too Many Requests", "text/plain", Retry_After="1")(request)

    site.pages[path] = answer
