"""Who wrote it and which document it is: the identities that every service computes alike."""

import posixpath
import re
from ipaddress import IPv6Address
from typing import NewType
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from twin_common.errors import InvalidAuthorId, InvalidUrl

AuthorId = NewType("AuthorId", str)

AUTHOR_ID_PATTERN = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
AUTHOR_ID_MAX_LENGTH = 64
_SLUG = re.compile(AUTHOR_ID_PATTERN)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
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
    if len(text) > AUTHOR_ID_MAX_LENGTH or not _SLUG.fullmatch(text):
        raise InvalidAuthorId(
            f"{text[:80]!r} is no author id: use lower-case letters, digits and single hyphens, "
            f"at most {AUTHOR_ID_MAX_LENGTH} characters"
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
        netloc, path, query = _normal_netloc(parts), _normal_path(parts.path), _normal_query(parts.query)
        return urlunsplit(("https", netloc, path, query, ""))
    except ValueError as error:
        raise InvalidUrl(f"{url[:200]!r} is no absolute http or https address: {error}") from error


def document_id(author_id: AuthorId, canonical: str) -> str:
    """The document's identity, a UUIDv5 as text: the warehouse's `_id` and the key in Kafka."""
    return str(uuid5(NAMESPACE_URL, f"{author_id}|{canonical}"))


def point_id(document: str, chunk_index: int) -> str:
    """The identity of one chunk in the vector index, a UUIDv5 as text."""
    return str(uuid5(UUID(document), str(chunk_index)))


def _is_tracking(name: str) -> bool:
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)


def _normal_netloc(parts: SplitResult) -> str:
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("it starts with neither http:// nor https://")
    host = parts.hostname or ""
    if ":" in host and "%" not in host:
        host = f"[{IPv6Address(host)}]"
    else:
        host = (host if host.isascii() else host.encode("idna").decode()).removesuffix(".")
        if "\\" in parts.netloc or not _HOST.fullmatch(host):
            raise ValueError(f"{host[:80]!r} is no host name")
    return host if parts.port in (None, *_DEFAULT_PORTS.values()) else f"{host}:{parts.port}"


def _normal_path(path: str) -> str:
    segments = [quote(unquote_to_bytes(segment), safe=_SEGMENT_SAFE) for segment in path.split("/")]
    return posixpath.normpath("/" + "/".join(segments).lstrip("/"))


def _normal_query(query: str) -> str:
    # Old sites escape other encodings than UTF-8: surrogates carry such bytes through unchanged.
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    kept = [(name, value) for name, value in pairs if not _is_tracking(name.lower())]
    return urlencode(kept, errors="surrogateescape")
