"""The two forms of a page that is published as AMP too: each names the other. Pure.

By AMP's specification a page in that form says `<html amp>` or `<html ⚡>` and names the full page as its
canonical one; the full page names it by `rel="amphtml"`.
"""

from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from twin_crawler.source import host_of, same_site


def amp_form(tree: HtmlElement, url: str) -> str | None:
    """Where a full page says that its AMP form is, on the same site."""
    return _link(tree, url, "amphtml")


def full_form(tree: HtmlElement, url: str) -> str | None:
    """Where an AMP page says that the full page is, on the same site; None: it is none, or stands alone."""
    if not any(name in ("amp", "⚡", "\u26a1\ufe0f") for name in tree.attrib):
        return None
    return _link(tree, url, "canonical")


def _link(tree: HtmlElement, url: str, relation: str) -> str | None:
    for link in tree.iter("link"):
        if relation in (link.get("rel") or "").lower().split():
            try:
                target = urljoin(url, (link.get("href") or "").strip())
                is_other = urlsplit(target)._replace(fragment="") != urlsplit(url)._replace(fragment="")
            except ValueError:
                return None
            return target if is_other and _is_near(target, url) else None
    return None


def _is_near(target: str, url: str) -> bool:
    """Whether it is the same site; its AMP pages may lie under `amp.`."""
    plain = (host_of(address).removeprefix("www.").removeprefix("amp.") for address in (target, url))
    return same_site(target, url) or len(set(plain)) == 1
