"""What a webhook URL points at, read strictly: one spelling per host, and no surprises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

from app.domain.errors import InvalidRequestError

_MAX_URL = 2048
_MAX_HOST = 253
_PORTS = {"https": 443, "http": 80}
_FIRST_UNPRIVILEGED_PORT = 1024
_LAST_PORT = 65535

#: The characters of RFC 3986. A stricter set than parsers take, so that no two of them differ.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
#: A bracketed address without a zone, or a name; then a port perhaps. ``urlsplit`` lets more pass.
_AUTHORITY = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]*)\]|(?P<name>[^\[\]@:]*))(?::(?P<port>\d{1,5}))?"
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
#: A last label like this makes resolvers read the whole host as an IPv4 address of some old form.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

#: Source: IANA Special-Use Domain Names; ``.internal``, which ICANN keeps for private use; and
#: ``.localdomain``, which many hosts files hold.
_INTERNAL_SUFFIXES = (
    ".alt",
    ".arpa",
    ".internal",
    ".invalid",
    ".local",
    ".localdomain",
    ".localhost",
    ".onion",
    ".test",
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and what to ask for."""

    scheme: str
    #: In lower case, and without brackets.
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_internal(self) -> bool:
        """Whether the host is a name that no public server has, wherever it may lead here."""
        if ":" in self.host or _NUMBER.fullmatch(self.host.rpartition(".")[2]):
            return False
        return "." not in self.host or f".{self.host}".endswith(_INTERNAL_SUFFIXES)


def parse_target(url: str, *, allow_http: bool) -> Target:
    """Read a URL. Raises: InvalidRequestError: it cannot be one of a webhook; says why."""
    if len(url) > _MAX_URL or not _CHARACTERS.fullmatch(url):
        raise InvalidRequestError(
            f"The URL must have at most {_MAX_URL} ASCII characters, escaped where needed, and no "
            "fragment."
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidRequestError("The URL is malformed. Correct it.") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_http):
        raise InvalidRequestError("The URL must begin with https://.")
    if "@" in parts.netloc:
        raise InvalidRequestError("The URL must not carry a user name or password.")
    authority = _AUTHORITY.fullmatch(parts.netloc.lower())
    if authority is None:
        raise InvalidRequestError("The URL is malformed. Correct it.")
    port = int(authority["port"] or _PORTS[parts.scheme])
    if port not in _PORTS.values() and not _FIRST_UNPRIVILEGED_PORT <= port <= _LAST_PORT:
        raise InvalidRequestError("The URL's port must be 80, 443, or 1024 and above.")
    try:
        if authority["address"] is None:
            host = _name_or_ipv4(authority["name"])
        else:
            host = str(IPv6Address(authority["address"]))
    except AddressValueError:
        raise InvalidRequestError("The URL's IP address must be in its usual form.") from None
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def _name_or_ipv4(host: str) -> str:
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return str(IPv4Address(host))
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRequestError("The URL's host is not a valid DNS name.")
    return host
