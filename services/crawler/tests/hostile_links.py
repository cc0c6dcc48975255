"""Links that point inside, or pretend to; `{port}` is that of a listener on loopback."""

# Loopback and how to write it, IPv6 and what it may hold, private, carrier-grade, link-local, metadata,
# documentation, multicast and reserved addresses, names of local networks.
HOSTS = """
    127.0.0.1 127.0.0.1. 127.1.2.3 127.255.255.254 localhost LOCALHOST. localhost.localdomain 127.1
    127.0.1 2130706433 0x7f000001 0x7f.1 0x7F.0x0.0x0.0x1 0177.0.0.1 017700000001 127.0.0.01
    127.000.000.001 0 0.0.0.0 00 0x 1 %31%32%37.0.0.1 127%2e0%2e0%2e1 ①②⑦.0.0.1 １２７.0.0.1 127。0。0。1
    127｡0｡0｡1 𝟏𝟐𝟕.𝟎.𝟎.𝟏 ١٢٧.٠.٠.١ 127.0.0.1\u200b 127.0.0.\u00ad1 lоcalhost ｌｏｃａｌｈｏｓｔ
    127.0.0.1%00.example.com example.1 256.256.256.256 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]
    [::ffff:7f00:1] [::127.0.0.1] [::7f00:1] [::ffff:0:7f00:1] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1]
    [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::] [fe80::1] [fe80::1%25lo] [febf::1] [fec0::1]
    [fc00::1] [fd00:ec2::254] [ff02::1] [ff0e::1] [100::1] [2001:db8::1] [3fff::1] [5f00::1] [4000::1]
    [::1 ::1 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 100.64.0.1
    169.254.0.1 169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 2852039166
    0xa9fea9fe 0251.0376.0251.0376 169.254.43518 [::ffff:169.254.169.254] [fd20:ce::254] 192.0.0.1
    192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1
    255.255.255.255 0.1.2.3 printer.local db.internal metadata.google.internal router.lan wiki.corp
    nas.home.arpa api.svc intranet mongodb kafka foo.localhost vault.private
""".split()  # noqa: SIM905 -- a table of addresses reads best as one

# Users, odd ports and schemes, no hosts, addresses that parsers read differently.
WHOLE = """
    http://ada@127.0.0.1:{port}/x http://ada:pw@example.org:{port}/x
    http://example.org@127.0.0.1:{port}/x http://127.0.0.1:{port}\\@example.org/x
    http://example.org\\@127.0.0.1:{port}/x http:\\\\127.0.0.1:{port}
    http://example.org:22/x http://example.org:6379/x https://example.org:80a/ http://example.org:0/x
    http://example.org:65536/x http://example.org:-1/ http://example.org:٨٠/x ftp://127.0.0.1:{port}/x
    gopher://127.0.0.1:{port}/x dict://127.0.0.1:{port}/x ws://127.0.0.1:{port}/
    ldap://127.0.0.1:{port}/x tftp://127.0.0.1:{port}/x jar:http://127.0.0.1:{port}/!/x s3://bucket/x
    file:///etc/passwd file://127.0.0.1/etc/passwd data:text/html,<p>x javascript:alert(1) about:blank
    mailto:ada@example.org unix:///var/run/docker.sock http+unix://%2Fvar%2Frun%2Fdocker.sock/x
    view-source:x //127.0.0.1:{port}/x 127.0.0.1:{port}/x http:// http:///x http:127.0.0.1:{port}
    http://? x http://127.0.0.1:{port}#@example.org/ http://example.org#@127.0.0.1:{port}/\x7f
    http://[127.0.0.1]:{port}/ http://[::1%25eth0]:{port}/ http://[v1.127.0.0.1]:{port}/
    http://127.0.0.1:{port}:80/ http://a..b:80/ http://-x.example.org@127.0.0.1/ http://xn--/x
    http://xn--a\u0301.example\u2024org:{port}/ http://.:{port}/
""".split()  # noqa: SIM905 -- a table of addresses reads best as one

WITH_WHITE_SPACE = [
    "http://example.org/\r\nHost: 127.0.0.1",
    "http://example.org/\x00",
    "http://exa mple.org/",
    "http://exam\tple.org/",
]

# Harmless to look at; what their names resolve to is decided by the test's own resolver.
REBINDING = {
    "inside.example.org": ["127.0.0.1"],
    "half-inside.example.org": ["93.184.216.34", "127.0.0.1"],
    "metadata.example.org": ["169.254.169.254"],
    "mapped.example.org": ["::ffff:127.0.0.1"],
    "nat64.example.org": ["64:ff9b::7f00:1"],
    "six.example.org": ["::1"],
    "link-local.example.org": ["fe80::1%lo"],
    "nowhere.example.org": [],
}
FLIPPING = "flips.example.org"
"""Resolves to a public address first, and to loopback ever after."""


def hostile_links(port: int) -> list[str]:
    """All of them, on the listener's port and on the default one."""
    links = [f"http://{host}:{port}/x" for host in HOSTS] + [f"https://{host}/x" for host in HOSTS]
    links += [link.replace("{port}", str(port)) for link in (*WHOLE, *WITH_WHITE_SPACE)]
    links.append("http://" + "a" * 3000 + ".example.org/")
    return links + [f"http://{name}:{port}/x" for name in (*REBINDING, FLIPPING)]
