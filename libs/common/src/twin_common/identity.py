"""Who wrote it and which document it is: the identities that every service computes alike."""

import posixpath
import re
from typing import NewType
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from twin_common.errors import InvalidAuthorId, InvalidUrl

AuthorId = NewType("AuthorId", str)

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_SLUG = 64
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SEGMENT_SAFE = ":@!$&'()*+,;=~-._"

# Parameters that say where a reader came from, never what is shown.
_TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "hsa_", "_hs", "vero_")
_TRACKING_NAMES = frozenset(
    (
        "fbclid",
        "gclid",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "yclid",
        "igshid",
        "twclid",
        "li_fat_id",
        "trk",
        "trackingid",
        "ref_src",
        "source_email",
        "mkt_tok",
        "oly_enc_id",
        "oly_anon_id",
        "rb_clickid",
    )
)


def parse_author_id(text: str) -> AuthorId:
    """Check that `text` is a slug and return it as an author id.

    Raises:
        InvalidAuthorId: it is empty, too long or holds other characters.
    """
    if len(text) > _MAX_SLUG or not _SLUG.fullmatch(text):
        raise InvalidAuthorId(
            f"{text[:80]!r} is no author id: use lower-case letters, digits and single hyphens, "
            f"at most {_MAX_SLUG} characters"
        )
    return AuthorId(text)


def canonical_url(url: str) -> str:
    """Reduce an address to the one form under which its document is known.

    https, lower-case ASCII host, no default port, no user, no fragment, no tracking parameters, dot
    segments resolved, escapes normalised, no trailing slash except for the root. Applying it twice
    changes nothing.

    Raises:
        InvalidUrl: not an absolute http or https address.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidUrl(f"{url[:200]!r} is no address: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise InvalidUrl(f"{url[:200]!r} is no absolute http or https address")
    try:
        host = host.rstrip(".").encode("idna").decode() if not host.isascii() else host.rstrip(".")
    except UnicodeError as error:
        raise InvalidUrl(f"{url[:200]!r} has no valid host name: {error}") from error
    if ":" in host:
        host = f"[{host}]"
    netloc = host if port in (None, *_DEFAULT_PORTS.values()) else f"{host}:{port}"
    pairs = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _is_tracking(name.lower())
    ]
    return urlunsplit(("https", netloc, _normal_path(parts.path), urlencode(pairs), ""))


def document_id(author_id: AuthorId, canonical: str) -> str:
    """The document's identity, a UUIDv5 as text: the warehouse's `_id` and the key in Kafka."""
    return str(uuid5(NAMESPACE_URL, f"{author_id}|{canonical}"))


def point_id(document: str, chunk_index: int) -> str:
    """The identity of one chunk in the vector index, a UUIDv5 as text."""
    return str(uuid5(UUID(document), str(chunk_index)))


def _is_tracking(name: str) -> bool:
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)


def _normal_path(path: str) -> str:
    if not path or path == "/":
        return "/"
    decoded = [quote(unquote(segment), safe=_SEGMENT_SAFE) for segment in path.split("/")]
    return posixpath.normpath("/" + "/".join(decoded).lstrip("/"))
