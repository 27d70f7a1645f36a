"""T12: no URL, no name and no redirect leads a webhook to what only this machine may reach."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import httpx
import pytest

from app.domain.errors import InvalidRequestError
from app.webhooks.addresses import may_reach
from app.webhooks.sender import HttpWebhookSender
from tests.receivers import Receiver, answer
from tests.unit.app.webhooks.conftest import names  # noqa: F401 - the resolver that is a table
from tests.unit.app.webhooks.test_addresses import HOSTILE, PUBLIC
from tests.unit.app.webhooks.test_forgery import LOCAL
from tests.unit.app.webhooks.test_sender import make_delivery, make_endpoint

PORTS = 20
REFUSED = "The host has an address that webhooks may not reach."

#: URLs that are wrong in another way than by their address; ``{}`` is a port of the canary.
OTHERS = [
    "ftp://127.0.0.1:{}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{}/_x",
    "dict://127.0.0.1:{}/x",
    "unix:///run/redis.sock",
    "//127.0.0.1:{}/",
    "http:127.0.0.1:{}",
    "http:///127.0.0.1:{}/",
    "http://hooks.example.com:22/",
    "http://hooks.example.com:25/",
    "http://hooks.example.com:0/",
    "http://hooks.example.com:65536/",
    "http://hooks.example.com:{}:80/",
    "http://127.0.0.1:{}\r\nX-Injected: 1/",
    "http://127.0.0.1:{}/\r\n\r\nGET / HTTP/1.1",
    "http://127.0.0.1:{}/%0d%0aX-Injected:1",
    "http://hooks.example.com\t@127.0.0.1:{}/",
    "http://hooks.example.com%2f@127.0.0.1:{}/",
    "http://127.0.0.1%00.example.com:{}/",
    "http://[::1]hooks.example.com:{}/",
    "http://metadata.google.internal/",
    "http://redis:{}/",
    "http://printer.local/",
]

#: What a name resolves to, at first and at the second look.
REBINDING = [(["93.184.215.14"], [address]) for address in ("127.0.0.1", "127.0.0.2", "::1")]
MIXED = [
    ["93.184.215.14", "127.0.0.1"],
    ["127.0.0.1", "93.184.215.14"],
    ["2606:4700::1111", "127.0.0.1"],
    ["93.184.215.14", "::1"],
    ["93.184.215.14", "::ffff:127.0.0.1"],
    ["93.184.215.14", "64:ff9b::7f00:1"],
]


def hostile_urls(port):
    """Return every URL that may not be sent to."""
    addresses = (f"[{one}]" if ":" in one else one for one in HOSTILE)
    return [
        *(f"http://{host}:{port}/" for host in (*addresses, *LOCAL)),
        *(url.replace("{}", str(port)) for url in OTHERS),
    ]


class Canaries:
    """Ports of the loopback interface, and how often they were reached."""

    def __init__(self, listeners) -> None:
        self._listeners = listeners
        self.ports = [one.getsockname()[1] for one in listeners]

    def reached(self):
        """Return the number of connections since the last look."""
        found = 0
        for listener in self._listeners:
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    found += 1
        return found


@pytest.fixture
def canaries():
    @contextmanager
    def listening():
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(PORTS)]
        try:
            for listener in listeners:
                listener.setblocking(False)
            yield Canaries(listeners)
        finally:
            for listener in listeners:
                listener.close()

    with listening() as found:
        yield found


@pytest.fixture
def sender():
    """The sender as it is by default, but for plain http, which the canaries speak."""
    return HttpWebhookSender(timeout_s=1, allow_http=True)


def registered(sender, url):
    """Tell whether a URL passes when an endpoint is made or changed."""
    try:
        sender.check(url)
    except InvalidRequestError:
        return False
    return True


def delivered(sender, url):
    return sender.send(make_endpoint(url), make_delivery(), at=datetime.now(UTC))


def send_naively(url):
    """Look the name up, ask ``is_private``, then let a client look it up again."""
    try:
        host = httpx.URL(url).host
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
        if any(ip_address(one).is_private for one in found):
            return
        with httpx.Client(timeout=0.5, trust_env=False) as client:
            client.post(url)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return


def test_no_hostile_url_is_registered_or_reached(sender, canaries, size, finding):
    ports = canaries.ports[: size(small=1, fast=4, full=PORTS)]
    urls = [url for port in ports for url in hostile_urls(port)]
    wrong = [url for url in urls if registered(sender, url) or delivered(sender, url).succeeded]
    reached = canaries.reached()
    honest = [one for one in PUBLIC if not may_reach(ip_address(one))]
    naive = [one for one in HOSTILE if not ip_address(one).is_private]
    finding(
        test="T12",
        promise="No URL of an internal address is registered or sent to; public ones are",
        n=len(urls) + len(PUBLIC),
        figure=f"{len(wrong)} of {len(urls)} accepted, {reached} connections at {PORTS} canaries, "
        f"{len(honest)} of {len(PUBLIC)} public addresses refused",
        passed=not wrong and reached == 0 and not honest and len(hostile_urls(1)) >= 120,
        naive=f"`is_private` alone: lets {len(naive)} of {len(HOSTILE)} addresses through",
        naive_failed=bool(naive),
    )


def test_no_name_leads_inside_by_what_it_resolves_to(sender, canaries, names, finding):  # noqa: F811
    port = canaries.ports[0]
    url = f"http://hooks.example.com:{port}/"
    wrong = []
    for first, second in REBINDING:
        names["hooks.example.com"] = [first, second]
        if not registered(sender, url) or delivered(sender, url).error != REFUSED:
            wrong.append(second)
    for addresses in MIXED:
        names["hooks.example.com"] = [addresses]
        if registered(sender, url) or delivered(sender, url).error != REFUSED:
            wrong.append(addresses)
    reached = canaries.reached()
    names["hooks.example.com"] = [["93.184.215.14"], ["127.0.0.1"]]
    send_naively(url)
    naive = canaries.reached()
    finding(
        test="T12",
        promise="A name that turns inside after its check, or mixes addresses, is refused",
        n=len(REBINDING) + len(MIXED),
        figure=f"{len(wrong)} let through, {reached} connections at the canaries",
        passed=not wrong and reached == 0,
        naive=f"check, then a client that resolves again: {naive} connections at the canary",
        naive_failed=naive > 0,
    )


def test_no_redirect_is_followed(canaries, names, finding):  # noqa: F811
    outside = ip_network("127.0.0.2/32")  # stands for a receiver that may be reached
    sender = HttpWebhookSender(timeout_s=1, allow_http=True, allowed_networks=[outside])
    names["hooks.example.com"] = [["127.0.0.2"]]
    statuses = (301, 302, 303, 307, 308)
    followed = 0
    naive = 0
    for status in statuses:
        redirect = answer(status, f"Location: http://127.0.0.1:{canaries.ports[0]}/")
        with Receiver(redirect, address="127.0.0.2") as receiver:
            url = f"http://hooks.example.com:{receiver.port}/"
            attempt = delivered(sender, url)
            followed += canaries.reached() + (attempt.status_code != status)
            with (
                suppress(httpx.HTTPError),
                httpx.Client(timeout=0.3, trust_env=False, follow_redirects=True) as client,
            ):
                client.post(url)
            naive += canaries.reached()
    finding(
        test="T12",
        promise="A redirect is a failure, wherever it leads",
        n=len(statuses),
        figure=f"{followed} followed",
        passed=followed == 0,
        naive=f"a client that follows: {naive} connections at the canary",
        naive_failed=naive > 0,
    )
