"""The link guard: what is refused however it is written, and what is still let through."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.errors import ForbiddenLink
from twin_common.link_guard import LinkGuard, LinkPolicy, is_public, resolve

_GUARD = LinkGuard()

_ADDRESSES_INSIDE = [
    # this host, private, carrier-grade, loopback, link-local
    *("0.0.0.1", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1"),
    *("127.1.2.3", "127.255.255.255", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1"),
    # cloud metadata: AWS, GCP and Azure; ECS; Tencent; Alibaba; Oracle; Azure's wire server
    *("169.254.169.254", "169.254.170.2", "169.254.0.23", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    # protocol assignments, documentation, 6to4 relays, benchmarks, multicast, reserved, broadcast
    *("192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    # IPv6: unspecified, loopback, IPv4 inside, link-local, site-local, unique local, multicast
    *("::", "::1", "::127.0.0.1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:7f00:1"),
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:0:7f00:1", "::ffff:0:8.8.8.8"),
    *("fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "ff0e::1"),
    # NAT64, 6to4, Teredo, ORCHID, documentation, discard, segment routing, unassigned
    *("64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "2002:7f00:1::"),
    *("2002:a9fe:a9fe::1", "2002:808:808::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1"),
    *("2001:db8::1", "3fff::1", "100::1", "100:0:0:1::1", "5f00::1", "4000::1", "1fff::1", "e000::1"),
]

_ADDRESSES_OUTSIDE = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1"),
    *("169.253.255.255", "169.255.0.1", "192.167.1.1", "192.169.1.1", "198.17.255.255", "198.20.0.1"),
    *(
        "223.255.255.254",
        "11.0.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "::ffff:8.8.8.8",
        "2606:4700:4700::1111",
    ),
    *("2001:4860:4860::8888", "2a00:1450:4001::200e", "2003::1", "2400:cb00::1", "2620:fe::fe"),
]

_LOOPBACK_IN_DISGUISE = [
    # other spellings that some resolvers or clients read as an address
    *(
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0.0.1",
        "0x7F.0x0.0x0.0x1",
        "0177.0.0.1",
    ),
    *(
        "017700000001",
        "127.0.0.01",
        "127.0.0.0x1",
        "127.000.000.001",
        "0",
        "0x0",
        "0x",
        "1",
        "00",
        "127.0.0.1.",
    ),
    *(
        "127.0.0.1..",
        "2852039166",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.254.43518",
    ),
    *("1.2.3.4.5", "256.256.256.256", "127.0.0.256", "example.1", "example.0x7f", "8.8.8.08"),
    # digits and dots of other scripts
    *(
        "１２７.0.0.1",
        "１２７．０．０．１",
        "127。0。0。1",
        "127｡0｡0｡1",
        "①②⑦.⓪.⓪.①",
        "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
        "𝟙27.0.0.1",
    ),
    *(
        "١٢٧.٠.٠.١",
        "१२७.०.०.१",
        "\U0001fbf1\U0001fbf2\U0001fbf7.0.0.\U0001fbf1",
        "¹27.0.0.1",
        "127.0.0.\u00ad1",
    ),
    *("127.0.0.1\u200b", "127.0.0.1\ufe0f", "127\u2024\u200b0.0.1", "0ⅹ7f.0.0.1", "2130706433。"),
    # escapes in the host
    *("%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127.0.0.1%00.example.com", "127.0.0.1%2f.example.com"),
    *("example.com%00", "%6c%6f%63%61%6c%68%6f%73%74", "loc%61lhost", "example.com%0d%0a", "%5b::1%5d"),
]

_NAMES_INSIDE = [
    *("localhost", "LOCALHOST", "LocalHost", "localhost.", "localhost..", "www.localhost", "a.b.localhost"),
    *("localhost.localdomain", "localhost6.localdomain6.localdomain", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"),
    *("localhost。", "local\u00adhost", "locaLHoſt", "printer", "metadata", "router.local", "nas.lan"),
    *("metadata.google.internal", "metadata.google.internal.", "host.docker.internal", "vault.corp"),
    *("wiki.intranet", "db.private", "tv.home", "tv.home.arpa", "kubernetes.default.svc"),
    *("kubernetes.default.svc.cluster.local", "instance-data", "ip-10-0-0-1.ec2.internal", "blog.ＬＯＣＡＬ"),
]

_BAD_BRACKETS = [
    *(
        "[127.0.0.1]",
        "[localhost]",
        "[example.com]",
        "[]",
        "[::1",
        "::1]",
        "[v1.fe80]",
        "[v1.fe80::a]",
        "[::g]",
    ),
    *("[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%25lo]", "[2606:4700:4700::1111%25eth0]", "[[::1]]"),
    *("[2606:4700:4700::1111].example.com", "[2606:4700:4700::1111]example.com", "example.com[::1]", "::1"),
    *("[2606:4700:4700::1111]80", "2606:4700:4700::1111", "[::ffff:127.0.0.1.]", "[：：1]", "[::１]"),
]

_BAD_URLS = [
    # schemes
    *("", " ", "example.com", "//example.com/", "/path", "ftp://example.com/", "file:///etc/passwd"),
    *("gopher://example.com:70/_", "dict://example.com:11211/", "data:text/html,x", "javascript:alert(1)"),
    *("s3://bucket/key", "ws://example.com/", "unix:///var/run/docker.sock", "jar:http://example.com!/"),
    *(
        "view-source:http://example.com/",
        "http+unix://%2Fvar%2Frun/",
        "netdoc:///etc",
        "h\u0442tp://example.com/",
    ),
    *(
        "ｈttp://example.com/",
        "httpſ://example.com/",
        "http:/example.com/",
        "http:example.com",
        "http:///127.0.0.1/",
    ),
    *(
        "http:////127.0.0.1/",
        "http://",
        "https://?",
        "http://#",
        "http://:80/",
        "http:///",
        "url:http://example.com/",
    ),
    # users
    *(
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://@example.com/",
        "http://:@example.com/",
    ),
    *("http://example.com@127.0.0.1/", "http://127.0.0.1@example.com/", "http://example.com:80@127.0.0.1/"),
    *(
        "http://a@b@example.com/",
        "http://example.com&@127.0.0.1#@example.org/",
        "http://example.com%40@evil.com/",
    ),
    "http://example.com%40127.0.0.1/",
    # ports
    *(
        "http://example.com:22/",
        "http://example.com:25/",
        "http://example.com:6379/",
        "http://example.com:8080/",
    ),
    *(
        "http://example.com:0/",
        "http://example.com:00/",
        "http://example.com:080/",
        "http://example.com:0080/",
    ),
    *(
        "http://example.com:0443/",
        "http://example.com:65536/",
        "http://example.com:65616/",
        "http://example.com:-80/",
    ),
    *(
        "http://example.com:+80/",
        "http://example.com:8_0/",
        "http://example.com:0x50/",
        "http://example.com:80a/",
    ),
    *(
        "http://example.com:８０/",
        "http://example.com:٨٠/",
        "http://example.com:80:80/",
        "http://example.com:80:22/",
    ),
    *(
        "http://example.com::80/",
        "http://example.com:%38%30/",
        "http://example.com:http/",
        "https://example.com:27017/",
    ),
    # backslashes, white space and control characters
    *(
        "http://example.com\\@127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http://127.0.0.1\\.example.com/",
        "\\\\host\\share",
    ),
    *(
        "http://example.com/a\\b",
        "http://example.com/\r\nHost: 127.0.0.1",
        "http://example.com\n/",
        "http://exa\tmple.com/",
    ),
    *(
        "http://exa mple.com/",
        "http://example.com /",
        "\x00http://example.com/",
        "http://example.com\x00.evil.com/",
    ),
    *(" http://example.com/", "http://example.com/ ", "http://example.com/\x7f", "http://example.com/\x85"),
    *(
        "http://example.com/\u2028",
        "http://example.com/\u3000",
        "http://example.com\u00a0/",
        "\ufeffhttp://example.com/",
    ),
    *(
        "http://example.com/\ud800",
        "http://\udc80.com/",
        "http\n://example.com/",
        "http://example.com/a\u00a0b",
    ),
    # names that are none
    *(
        "http://.example.com/",
        "http://example..com/",
        "http://example.com../",
        "http://./",
        "http://../",
        "http://-/",
    ),
    *(
        "http://-a.example.com/",
        "http://a-.example.com/",
        "http://a,b.com/",
        "http://a;b.com/",
        "http://a'b.com/",
    ),
    *(
        "http://<script>.com/",
        "http://a$b.com/",
        "http://(a).com/",
        "http://a|b.com/",
        "http://a*.com/",
        "http://{a}.com/",
    ),
    *(
        "http://ex\u2100mple.com/",
        "http://a\uff0fb.com/",
        "http://a\uff03.com/",
        "http://a\uff20b.com/",
        "http://ａ.com/",
    ),
    *(
        "http://example。com/",
        "http://example．com/",
        "http://exam\u200dple.com/",
        "http://exam\u202eple.com/",
    ),
    *(
        f"http://{'a' * 64}.com/",
        f"http://{'ü' * 64}.com/",
        f"http://{'a.' * 127}com/",
        f"http://{'a' * 250}.com/",
    ),
    # length
    *(f"http://example.com/{'a' * 2048}", f"http://example.com/?{'a=1&' * 600}", "http://" + "a" * 100_000),
]

_HOSTILE_HOSTS = (
    *(f"[{address}]" if ":" in address else address for address in _ADDRESSES_INSIDE),
    *_LOOPBACK_IN_DISGUISE,
    *_NAMES_INSIDE,
    *_BAD_BRACKETS,
)

_GOOD_URLS = [
    *("http://example.com", "https://example.com/", "HTTPS://EXAMPLE.COM/", "https://example.com./a"),
    *("https://www.example.com/a/b?c=d&e=f#g", "http://example.com:80/", "https://example.com:443/"),
    *("http://example.com:443/", "https://example.com:80/", "http://example.com:/", "https://ada.substack.com/feed"),
    *("https://medium.com/@ada/a-post-1a2b3c", "https://github.com/ada/engine.git", "https://dev.to/ada"),
    *("https://www.linkedin.com/in/ada/", "https://t.co/x", "https://1e100.net/", "https://3com.com/", "https://0.pl/"),
    *("https://a-b--c.example.org/", "https://_dmarc.example.com/", "https://xn--bcher-kva.example/"),
    *("https://bücher.example/", "https://例え.jp/", "https://пример.рф/", "https://münchen.de/straße?q=ü#ü"),
    *("https://example.com/caf%C3%A9", "https://example.com/a%20b", "https://example.com/?u=http://127.0.0.1/"),
    *("https://example.com/#@127.0.0.1", "https://example.com?@127.0.0.1", "https://example.com/user@host"),
    *("https://example.com/127.0.0.1/", "https://localhost.example.com/", "https://10.0.0.1.example.com/"),
    *("https://internal.example.com/", "https://local.com/", "https://mylocal.dev/", "https://homelab.dev/"),
    *("http://93.184.216.34/", "http://8.8.8.8:80/", "http://[2606:4700:4700::1111]/", "https://[2001:4860:4860::8888]:443/"),
    *(f"https://{'a' * 63}.com/", f"https://example.com/{'a' * 2000}", "https://example.com//double//slash"),
    *("https://example.com/\u0645\u06cc\u200c\u062e", "https://example.museum/", "https://xn--p1ai.xn--p1ai/"),
]  # fmt: skip


class TestHostileLinks:
    @pytest.mark.parametrize("host", _HOSTILE_HOSTS, ids=ascii)
    @pytest.mark.parametrize("pattern", ["http://{}/", "https://{}:443/a?b#c"])
    def test_hosts_inside_or_in_disguise_are_refused(self, pattern: str, host: str) -> None:
        with pytest.raises(ForbiddenLink):
            _GUARD.vet_url(pattern.format(host))

    @pytest.mark.parametrize("url", _BAD_URLS, ids=lambda url: ascii(url[:60]))
    def test_links_that_are_not_plain_are_refused(self, url: str) -> None:
        with pytest.raises(ForbiddenLink):
            _GUARD.vet_url(url)

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://example.com/" + "a" * 3000, "too_long"),
            ("http://exam ple.com/", "malformed"),
            ("ftp://example.com/", "scheme"),
            ("http://ada@example.com/", "userinfo"),
            ("http://example.com:22/", "port"),
            ("http://10.0.0.1/", "private_address"),
            ("http://2130706433/", "numeric_host"),
            ("http://router.local/", "local_name"),
        ],
    )
    def test_the_refusal_has_a_word_for_counting(self, url: str, reason: str) -> None:
        with pytest.raises(ForbiddenLink) as caught:
            _GUARD.vet_url(url)
        assert caught.value.reason == reason
        assert len(str(caught.value)) < 400

    @given(
        st.text(st.characters(), max_size=60) | st.text(st.characters(), max_size=40).map("http://{}".format)
    )
    def test_no_text_raises_anything_else(self, text: str) -> None:
        try:
            vetted = _GUARD.vet_url(text)
        except ForbiddenLink:
            return
        assert vetted.host.isascii() and vetted.port in (80, 443) and not vetted.trusted


class TestGoodLinks:
    @pytest.mark.parametrize("url", _GOOD_URLS, ids=lambda url: ascii(url[:60]))
    def test_public_pages_pass(self, url: str) -> None:
        vetted = _GUARD.vet_url(url)
        assert vetted.url == url and not vetted.trusted

    @pytest.mark.parametrize(
        ("url", "host", "port"),
        [
            ("http://Example.COM/a", "example.com", 80),
            ("https://example.com./", "example.com", 443),
            ("https://bücher.example/", "xn--bcher-kva.example", 443),
            ("http://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 80),
        ],
    )
    def test_host_and_port_are_those_to_connect_to(self, url: str, host: str, port: int) -> None:
        vetted = _GUARD.vet_url(url)
        assert (vetted.host, vetted.port) == (host, port)


class TestTrustedEndpoints:
    _TRUSTING = LinkGuard(
        LinkPolicy(trusted_endpoints=frozenset(("127.0.0.1:8099", "[::1]:8099", "router.local:80")))
    )

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:8099/a", "http://[::1]:8099/", "http://router.local/", "https://router.local:80/"],
    )
    def test_open_exactly_what_the_operator_vouches_for(self, url: str) -> None:
        assert self._TRUSTING.vet_url(url).trusted

    @pytest.mark.parametrize(
        "url",
        [
            *(
                "http://127.0.0.1:8100/",
                "http://127.0.0.1/",
                "http://127.0.0.1:809/",
                "http://127.0.0.1:80990/",
            ),
            *("http://127.0.0.2:8099/", "http://localhost:8099/", "http://127.1:8099/", "http://[::]:8099/"),
            *("http://１２７.0.0.1:8099/", "http://127。0。0。1:8099/", "http://[::ffff:127.0.0.1]:8099/"),
            *("http://127.0.0.1:08099/", "http://127.0.0.1:8099@example.com/", "http://u@127.0.0.1:8099/"),
            *("ftp://127.0.0.1:8099/", "http://127.0.0.1:8099.example.com/", "http://0x7f000001:8099/"),
            *("http://127.0.0.1:8099\\@example.com/", "http://2130706433:8099/", "http://router.local:0/"),
            *(
                "https://router.local/",
                "http://www.router.local/",
                "http://router/",
                "http://router.local:8099/",
                "http://example.com:8099/",
            ),
        ],
    )
    def test_open_nothing_beside_it(self, url: str) -> None:
        with pytest.raises(ForbiddenLink):
            self._TRUSTING.vet_url(url)

    def test_leave_other_links_as_they_were(self) -> None:
        assert not self._TRUSTING.vet_url("https://example.com/").trusted

    def test_other_ports_open_by_policy_only(self) -> None:
        wide = LinkGuard(LinkPolicy(ports=frozenset((80, 443, 8080))))
        assert wide.vet_url("http://example.com:8080/").port == 8080
        with pytest.raises(ForbiddenLink):
            wide.vet_url("http://127.0.0.1:8080/")


class TestAddresses:
    @pytest.mark.parametrize("address", _ADDRESSES_INSIDE)
    def test_a_name_that_points_inside_is_refused(self, address: str) -> None:
        with pytest.raises(ForbiddenLink) as caught:
            _GUARD.vet_addresses("http://127.0.0.1.nip.io/", [address])
        assert caught.value.reason == "private_address"

    @pytest.mark.parametrize("address", _ADDRESSES_INSIDE)
    def test_also_beside_public_ones(self, address: str) -> None:
        with pytest.raises(ForbiddenLink):
            _GUARD.vet_addresses("http://rebind.example/", ["93.184.216.34", address])

    @pytest.mark.parametrize(
        "address", ["fe80::1%eth0", "fe80::1%25", "::1%1", "garbage", "", "127.1", "0x7f.0.0.1"]
    )
    def test_zones_and_garbage_are_refused(self, address: str) -> None:
        with pytest.raises(ForbiddenLink):
            _GUARD.vet_addresses("http://a.example/", [address])

    def test_no_address_is_refused(self) -> None:
        with pytest.raises(ForbiddenLink) as caught:
            _GUARD.vet_addresses("http://a.example/", [])
        assert caught.value.reason == "unresolved"

    def test_public_ones_come_back_in_order(self) -> None:
        vetted = _GUARD.vet_addresses("http://a.example/", _ADDRESSES_OUTSIDE)
        assert vetted == [ipaddress.ip_address(address) for address in _ADDRESSES_OUTSIDE]

    @pytest.mark.parametrize(
        "network",
        [
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ],
    )
    @given(data=st.data())
    def test_every_address_of_a_special_network_is_inside_also_within_ipv6(
        self, network: str, data: st.DataObject
    ) -> None:
        address = data.draw(st.ip_addresses(network=network))
        assert not is_public(address)
        for carrier in ("::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0"):
            assert not is_public(IPv6Address(int(IPv6Address(carrier)) + int(address)))
        assert not is_public(IPv6Address(int(IPv6Address("2002::")) + (int(address) << 80)))

    @pytest.mark.parametrize(
        "network",
        [
            *("::/96", "::/8", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32"),
            *(
                "2002::/16",
                "3fff::/20",
                "5f00::/16",
                "fc00::/7",
                "fe80::/10",
                "fec0::/10",
                "ff00::/8",
                "4000::/3",
            ),
        ],
    )
    @given(data=st.data())
    def test_every_address_of_a_special_ipv6_network_is_inside(
        self, network: str, data: st.DataObject
    ) -> None:
        address = data.draw(st.ip_addresses(network=network))
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        assert not is_public(address) or (mapped is not None and is_public(mapped))

    @given(st.ip_addresses(v=4))
    def test_a_mapped_address_is_judged_by_the_one_inside(self, address: IPv4Address) -> None:
        assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)


class TestResolve:
    def test_gives_each_address_once_and_the_guard_refuses_them(self) -> None:
        found = resolve("localhost", 80)
        assert found and len(found) == len(set(found))
        with pytest.raises(ForbiddenLink):
            _GUARD.vet_addresses("http://localhost/", found)

    def test_a_name_that_does_not_resolve_is_an_os_error(self) -> None:
        with pytest.raises(OSError, match=r"\w"):
            resolve("no-such-host.invalid", 80)
