"""The identities that every service computes alike."""

import re
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twin_common.errors import InvalidAuthorId, InvalidUrl
from twin_common.identity import AuthorId, canonical_url, document_id, parse_author_id, point_id

_AUTHOR = AuthorId("ada")

_hosts = st.sampled_from(
    ["example.com", "Blog.Example.COM", "münchen.de", "例え.jp", "[2001:DB8:0::1]", "a.b."]
)
_ports = st.sampled_from(["", ":", ":80", ":443", ":8080", ":0"])
_paths = st.text(alphabet="abé/.%~ +;:@2Ff*\\\u200d", max_size=20).map("/{}".format)
_queries = st.text(alphabet="ab=&é%+;/?utm_source", max_size=30).map("?{}".format) | st.just("")
_urls = st.builds(
    "{}://{}{}{}{}{}".format,
    st.sampled_from(["http", "HTTPS"]),
    _hosts,
    _ports,
    _paths,
    _queries,
    st.sampled_from(["", "#part"]),
)


class TestAuthorId:
    @pytest.mark.parametrize("text", ["a", "ada", "ada-lovelace", "7", "a-1-b", "x" * 64])
    def test_accepts_slugs(self, text: str) -> None:
        assert parse_author_id(text) == text

    @pytest.mark.parametrize(
        "text", ["", "Ada", "a--b", "-a", "a-", "a_b", "a b", "é", "a/b", "a\n", "\ud800", "x" * 65, "١"]
    )
    def test_refuses_anything_else_and_says_what_is_allowed(self, text: str) -> None:
        with pytest.raises(InvalidAuthorId, match="lower-case letters, digits and single hyphens"):
            parse_author_id(text)

    @given(st.text(max_size=80))
    def test_what_passes_is_a_slug(self, text: str) -> None:
        try:
            slug = parse_author_id(text)
        except InvalidAuthorId:
            return
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug) and "--" not in slug and len(slug) <= 64


class TestCanonicalUrl:
    @pytest.mark.parametrize(
        ("url", "canonical"),
        [
            ("http://example.com", "https://example.com/"),
            ("https://example.com/", "https://example.com/"),
            ("HTTPS://Example.COM/Path", "https://example.com/Path"),
            ("  https://example.com/a \n", "https://example.com/a"),
            ("https://example.com./a", "https://example.com/a"),
            ("https://example.com/a/", "https://example.com/a"),
            ("https://example.com/a#part", "https://example.com/a"),
            ("https://ada:secret@example.com/a", "https://example.com/a"),
            ("http://example.com:80/a", "https://example.com/a"),
            ("https://example.com:443/a", "https://example.com/a"),
            ("http://example.com:/a", "https://example.com/a"),
            ("https://example.com:8443/a", "https://example.com:8443/a"),
            ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
            ("https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"),
            ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"),
            ("https://例え。jp/", "https://xn--r8jz45g.jp/"),
            ("http://[2001:DB8:0:0::1]/a", "https://[2001:db8::1]/a"),
            ("http://[2001:db8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
            ("https://example.com/a/./b/../c", "https://example.com/a/c"),
            ("https://example.com/../../a", "https://example.com/a"),
            ("https://example.com/a/%2e%2e/b", "https://example.com/b"),
            ("https://example.com//a///b", "https://example.com/a/b"),
            ("https://example.com/caf%c3%a9", "https://example.com/caf%C3%A9"),
            ("https://example.com/café", "https://example.com/caf%C3%A9"),
            ("https://example.com/%7Eada/%61", "https://example.com/~ada/a"),
            ("https://example.com/a%2Fb", "https://example.com/a%2Fb"),
            ("https://example.com/100%", "https://example.com/100%25"),
            ("https://example.com/a b", "https://example.com/a%20b"),
            ("https://example.com/a?b=1&c=2", "https://example.com/a?b=1&c=2"),
            ("https://example.com/a?c=2&b=1", "https://example.com/a?c=2&b=1"),
            ("https://example.com/a?b", "https://example.com/a?b="),
            ("https://example.com/a?q=x%20y", "https://example.com/a?q=x+y"),
            ("https://example.com/a?", "https://example.com/a"),
            ("https://example.com/a?q=caf%e9", "https://example.com/a?q=caf%E9"),
        ],
    )
    def test_reduces_to_one_form(self, url: str, canonical: str) -> None:
        assert canonical_url(url) == canonical

    @pytest.mark.parametrize(
        "parameter",
        [
            *("utm_source", "utm_medium", "UTM_Campaign", "fbclid", "gclid", "msclkid", "mc_cid", "mc_eid"),
            *(
                "igshid",
                "yclid",
                "dclid",
                "twclid",
                "li_fat_id",
                "trk",
                "trackingId",
                "mkt_tok",
                "pk_campaign",
            ),
            *("hsa_acc", "_hsenc", "vero_id", "oly_enc_id", "ref_src", "gbraid", "wbraid", "source_email"),
        ],
    )
    def test_drops_where_the_reader_came_from(self, parameter: str) -> None:
        assert canonical_url(f"https://example.com/a?id=7&{parameter}=x") == "https://example.com/a?id=7"

    @pytest.mark.parametrize("parameter", ["id", "page", "p", "v", "source", "ref", "lang", "utmost"])
    def test_keeps_what_says_which_page(self, parameter: str) -> None:
        assert canonical_url(f"https://example.com/a?{parameter}=x").endswith(f"?{parameter}=x")

    def test_keeps_apart_what_old_sites_escape_in_other_encodings(self) -> None:
        assert canonical_url("https://example.com/caf%e9") != canonical_url("https://example.com/caf%e8")
        assert canonical_url("https://example.com/?q=%e9") != canonical_url("https://example.com/?q=%e8")

    @pytest.mark.parametrize(
        "url",
        [
            *("", " ", "/a", "a", "example.com/a", "//example.com/a", "https:", "https:/a", "https://"),
            *("https:///a", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "data:,x"),
            *(
                "mailto:ada@example.com",
                "http://./",
                "http://../",
                "http://a..b/",
                "http://.a/",
                "http://a../",
            ),
            *(
                "http://:80/",
                "http://user@/",
                "http://a:b/",
                "http://a:99999/",
                "http://a:-1/",
                "http://a:８０/",
            ),
            *("http://[::1/", "http://::1/", "http://[g::1]/", "http://[fe80::1%25eth0]/", "http://[]/"),
            *("http://a b/", "http://a%2eb/", "http://%31/", "http://a\x00b/", "http://a\\b/", "http://<a>/"),
            *("http://good.com\\@evil.com/", "http://ex\u2100mple.com/", f"http://{'ü' * 70}.de/"),
            *(f"http://{'a' * 64}.com/", "http://\ud800.com/", "https://a/\ud800", "https://a/?q=\ud800"),
        ],
    )
    def test_refuses_what_is_no_address(self, url: str) -> None:
        with pytest.raises(InvalidUrl):
            canonical_url(url)

    @given(_urls)
    @example("http://a/.//x")
    @example("http://a/%%32")
    @example("http://a//%2F/")
    @example("http://a/?=&&==")
    def test_applying_it_twice_changes_nothing(self, url: str) -> None:
        once = canonical_url(url)
        assert canonical_url(once) == once

    @given(_urls)
    def test_the_form_is_https_and_ascii_without_fragment(self, url: str) -> None:
        canonical = canonical_url(url)
        assert canonical.startswith("https://") and canonical.isascii() and "#" not in canonical
        assert not re.search(r"\s", canonical)

    @given(
        st.text(st.characters(), max_size=60)
        | st.text(st.characters(), max_size=60).map("http://{}".format)
        | st.text(alphabet="[]:@%/\\?#.0aé。\ud800 ", max_size=30).map("https://{}".format)
    )
    def test_hostile_text_gives_an_address_or_one_error(self, text: str) -> None:
        try:
            once = canonical_url(text)
        except InvalidUrl:
            return
        assert canonical_url(once) == once


class TestDocumentId:
    def test_is_the_uuid5_of_author_and_address(self) -> None:
        expected = uuid5(NAMESPACE_URL, "ada|https://example.com/a")
        assert document_id(_AUTHOR, "https://example.com/a") == str(expected)

    def test_never_changes(self) -> None:
        assert document_id(_AUTHOR, "https://example.com/a") == "497d949d-fb7a-5b92-be9d-242306da7383"

    def test_one_page_of_two_authors_is_two_documents(self) -> None:
        address = "https://example.com/a"
        assert document_id(_AUTHOR, address) != document_id(AuthorId("bob"), address)


class TestPointId:
    _DOCUMENT = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

    def test_is_the_uuid5_of_document_and_chunk(self) -> None:
        assert point_id(self._DOCUMENT, 3) == str(uuid5(UUID(self._DOCUMENT), "3"))

    @given(st.lists(st.integers(min_value=0, max_value=10_000), unique=True, max_size=50))
    def test_chunks_of_a_document_have_points_of_their_own(self, chunks: list[int]) -> None:
        assert len({point_id(self._DOCUMENT, chunk) for chunk in chunks}) == len(chunks)
