"""What the text of a link tells about the place behind it."""

import re
from urllib.parse import urlsplit

_FEED_OR_SITEMAP = re.compile(
    r"(?:^|/)(?:feed|rss|atom|(?:[\w.-]*(?:feed|rss|atom|index|sitemap)[\w.-]*\.(?:xml|json|xml\.gz|rss|atom)))/?$"
)
_LOGIN_SEGMENT = re.compile(r"(?:^|/)(?:log-?in|sign-?in|signup|auth|authwall|sso|accounts?/login)(?:[/.]|$)")


def is_site(link: str) -> bool:
    """Whether the link is the root of a site, or the address of a feed or sitemap."""
    path = urlsplit(link).path.lower()
    return path in ("", "/") or bool(_FEED_OR_SITEMAP.search(path))


def is_login(url: str) -> bool:
    """Whether the address is that of a page to sign in."""
    return bool(_LOGIN_SEGMENT.search(urlsplit(url).path.lower()))
