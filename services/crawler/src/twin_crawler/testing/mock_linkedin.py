"""An activity feed as LinkedIn serves it, for tests: a shell whose script loads posts as a reader scrolls.

Where its structure was learnt stands in `twin_crawler.linkedin_posts`.
"""

import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from twin_crawler.testing.mock_site import Answer, MockSite, respond

SESSION = "AQEDAR-secret-session"
FIRST = 7448081445065035776
_PAGE_POSTS = 5
_SHELL = """<!doctype html><html lang="en"><head><title>Activity | Ada | LinkedIn</title></head><body>
<main aria-label="Activity"><div class="scaffold-finite-scroll"><div class="scaffold-finite-scroll__content">
<ul class="display-flex" id="feed" style="min-height: 3000px"></ul></div></div></main>
<script>
let start = 0, busy = false;
async function more() {
  if (busy || start < 0) return;
  busy = true;
  const answer = await fetch('/voyager/api/graphql?start=' + start, {headers: {'csrf-token': 'ajax:1'}});
  const page = await answer.json();
  for (const item of page.items) document.getElementById('feed').insertAdjacentHTML('beforeend', item);
  start = page.next;
  busy = false;
}
window.addEventListener('scroll', more);
more();
</script></body></html>"""


def actor(name: str) -> str:
    """Who wrote a post, as its head says it."""
    return (
        '<div class="update-components-actor display-flex"><div class="update-components-actor__container">'
        f'<a class="update-components-actor__meta-link" href="https://www.linkedin.com/in/{name}?mini=x">'
        f'<span class="update-components-actor__title"><span dir="ltr"><span aria-hidden="true">{name}</span>'
        f'<span class="visually-hidden">{name}</span></span></span></a></div></div>'
    )


def commentary(words: str) -> str:
    """The words of a post."""
    return (
        '<div class="feed-shared-update-v2__description-wrapper">'
        '<div class="feed-shared-inline-show-more-text">'
        '<div class="update-components-text relative update-components-update-v2__commentary" dir="ltr">'
        f'<span class="break-words tvm-parent-container"><span dir="ltr">{words}</span></span></div>'
        '<button class="feed-shared-inline-show-more-text__see-more-less-toggle">…more</button></div></div>'
    )


def post(number: int, words: str, writer: str = "ada", header: str = "", shared: str = "") -> str:
    """An entry of the feed; `shared` is the post of another below the owner's words."""
    above = (
        f'<div class="update-components-header"><span class="update-components-header__text-view">'
        f'<a href="https://www.linkedin.com/in/ada">Ada</a> {header}</span></div>'
        if header
        else ""
    )
    below = (
        '<div class="update-components-mini-update-v2 feed-shared-update-v2__update-content-wrapper">'
        f"{actor('bob')}{commentary(shared)}</div>"
        if shared
        else ""
    )
    return (
        '<li class="profile-creator-shared-feed-update__container"><div><div '
        f'class="feed-shared-update-v2 full-height" role="article" data-urn="urn:li:activity:{number}">'
        f'<div class="fie-impression-container">{above}{actor(writer)}{commentary(words)}{below}'
        '<div class="social-details-social-activity"><div class="comments-comments-list">'
        '<article class="comments-comment-entity"><span class="comments-comment-item__main-content">'
        "Words of a commenter</span></article></div></div></div></div></div></li>"
    )


def serve_feed(site: MockSite, items: Sequence[str], ids: Sequence[int] = ()) -> None:
    """Put an activity feed of `ada` on a site; `ids` have a share of their own behind the activity."""

    def activity(request: BaseHTTPRequestHandler) -> None:
        if f"li_at={SESSION}" not in request.headers.get("Cookie", ""):
            respond(303, b"", Location="/uas/login?session_redirect=%2Fin%2Fada")(request)
            return
        respond(200, _SHELL.encode(), Set_Cookie='JSESSIONID="ajax:1"; Path=/')(request)

    def data(start: int) -> Answer:
        def answer(request: BaseHTTPRequestHandler) -> None:
            signed_in = f"li_at={SESSION}" in request.headers.get("Cookie", "")
            if not signed_in or request.headers.get("Csrf-Token") != "ajax:1":
                respond(403, b"CSRF check failed")(request)
                return
            begin = int(parse_qs(urlsplit(request.path).query)["start"][0])
            end = begin + _PAGE_POSTS
            included = [
                {
                    "updateMetadata": {
                        "urn": f"urn:li:activity:{number}",
                        "shareUrn": f"urn:li:share:{number - 1}",
                    }
                }
                for number in ids
            ]
            page = {"items": items[begin:end], "next": end if end < len(items) else -1, "included": included}
            body = json.dumps(page, separators=(",", ":")).encode()
            respond(200, body, content_type="application/json")(request)

        return answer

    site.pages["/in/ada/recent-activity/all/"] = activity
    site.pages["/uas/login?session_redirect=%2Fin%2Fada"] = (
        "<html><body><form><input name='session_key'><input type='password' name='session_password'></form>"
        "</body></html>"
    )
    for start in range(0, len(items) + 1, _PAGE_POSTS):
        site.pages[f"/voyager/api/graphql?start={start}"] = data(start)
