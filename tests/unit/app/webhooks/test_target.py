# ruff: noqa: RUF001 - look-alike characters are what is tested
from __future__ import annotations

import pytest

from app.domain.errors import InvalidRequestError
from app.webhooks.target import Target, parse_target

MALFORMED = [
    "",
    "hooks.example.com",
    "//hooks.example.com/",
    "https://",
    "https:///path",
    "https:hooks.example.com",
    "https://?x",
    "https://:443/",
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com:70/_x",
    "dict://hooks.example.com:11211/stat",
    "ldap://hooks.example.com/",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://hooks.example.com/",
    "https://user@hooks.example.com/",
    "https://user:word@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1@hooks.example.com/",
    "https://hooks.example.com:pw@127.0.0.1:80/",
    "https://@hooks.example.com/",
    "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.com/",
    "https:\\\\hooks.example.com/",
    "https://hooks.example.com/\r\nx: y",
    "https://hooks.example.com/%0d%0a\n",
    "https://hooks.example.com\r\n/",
    "https://hooks.exa\tmple.com/",
    " https://hooks.example.com/",
    "https://hooks.example.com/ ",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\0",
    "https://hooks.example.com%00.evil.example/",
    "https://hooks.example.com%2f@127.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://hooks.example.com./",
    "https://127.0.0.1./",
    "https://localhost./",
    "https://.example.com/",
    "https://hooks..example.com/",
    "https://-hooks.example.com/",
    "https://hooks-.example.com/",
    f"https://{'a' * 64}.example.com/",
    f"https://{'a.' * 130}example.com/",
    f"https://hooks.example.com/{'a' * 2048}",
    "https://hooks!.example.com/",
    "https://hooks.example.com,127.0.0.1/",
    "https://ho*ks.example.com/",
    # Other spellings of IPv4 addresses
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0X7F000001/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1.1/",
    "https://127.0.0.256/",
    "https://0/",
    "https://00000000000000000000000000000000177.1/",
    "https://0x/",
    "https://10.1/",
    "https://169.254.43518/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://hooks.example.0x7f/",
    "https://hooks.example.1/",
    # Characters that normalise to others
    "https://127。0。0。1/",
    "https://１２７.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://hooks.example。com/",
    "https://hooks.exаmple.com/",
    "https://hooks.example.com\u2028/",
    "https://hooks.example.com／@127.0.0.1/",
    # IPv6
    "https://::1/",
    "https://[::1/",
    "https://::1]/",
    "https://[]/",
    "https://[::1]x/",
    "https://[fe80::1%eth0]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1%251]/",
    "https://[::ffff:127.1]/",
    "https://[v1.x]/",
    "https://[127.0.0.1]/",
    "https://[hooks.example.com]/",
    "https://[::1]@hooks.example.com/",
    "https://hooks.example.com[::1]/",
    # Ports
    "https://hooks.example.com:0/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:25/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:-1/",
    "https://hooks.example.com:x/",
    "https://hooks.example.com:80:80/",
    "https://hooks.example.com:٤٤٣/",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_parse_target_refuses_everything_but_plain_urls(url):
    with pytest.raises(InvalidRequestError):
        parse_target(url, allow_http=False)


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        (
            "https://hooks.example.com",
            Target("https", "hooks.example.com", 443, "/"),
            "hooks.example.com",
        ),
        (
            "HTTPS://Hooks.Example.COM:443/a/b?c=d%20e",
            Target("https", "hooks.example.com", 443, "/a/b?c=d%20e"),
            "hooks.example.com",
        ),
        (
            "https://xn--bcher-kva.example:8443/?x",
            Target("https", "xn--bcher-kva.example", 8443, "/?x"),
            "xn--bcher-kva.example:8443",
        ),
        ("http://8.8.8.8:80/x", Target("http", "8.8.8.8", 80, "/x"), "8.8.8.8"),
        (
            "https://[2606:4700:0:0::1111]:80/",
            Target("https", "2606:4700::1111", 80, "/"),
            "[2606:4700::1111]:80",
        ),
    ],
)
def test_parse_target_reads_plain_urls(url, expected, authority):
    target = parse_target(url, allow_http=True)
    assert target == expected
    assert target.authority == authority


@pytest.mark.parametrize(
    ("host", "internal"),
    [
        ("localhost", True),
        ("redis", True),
        ("printer.local", True),
        ("metadata.google.internal", True),
        ("a.localhost", True),
        ("1.0.0.127.in-addr.arpa", True),
        ("hooks.example.com", False),
        ("internal.example.com", False),
        ("notlocal.example", False),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
    ],
)
def test_a_target_knows_names_that_no_public_server_has(host, internal):
    assert Target("https", host, 443, "/").is_internal is internal


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example.com/", "https://"),
        ("https://user@hooks.example.com/", "user name"),
        ("https://hooks.example.com:22/", "port"),
        ("https://0x7f.1/", "usual form"),
        ("https://hooks.exämple.com/", "ASCII"),
    ],
)
def test_parse_target_says_what_is_wrong(url, words):
    with pytest.raises(InvalidRequestError, match=words):
        parse_target(url, allow_http=False)
