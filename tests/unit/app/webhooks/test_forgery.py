# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Requests that are to reach what only the service itself can reach: none may leave."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from app.domain.errors import InvalidRequestError
from app.webhooks.sender import HttpWebhookSender
from tests.receivers import Receiver, answer, canary
from tests.unit.app.webhooks.test_sender import make_delivery, make_endpoint, make_sender

#: Every spelling of the local machine that some resolver or parser understands.
LOCAL = [
    "127.0.0.1",
    "127.0.0.2",
    "0.0.0.0",
    "0",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "localhost.localdomain",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "127。0。0。1",
    "１２７.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "user@127.0.0.1",
    "hooks.example.com@127.0.0.1",
    "127.0.0.1#@hooks.example.com",
    "127.0.0.1\\@hooks.example.com",
]


@pytest.fixture
def strict():
    """A sender as it is configured by default, but for plain http, which the canary speaks."""
    return HttpWebhookSender(timeout_s=20, allow_http=True)


def deliver(sender, url):
    return sender.send(make_endpoint(url), make_delivery(), at=datetime.now(UTC))


@pytest.mark.parametrize("host", LOCAL)
def test_no_spelling_of_the_local_machine_is_registered_or_reached(strict, host):
    with canary(20) as ports:
        for port in ports:
            with pytest.raises(InvalidRequestError):
                strict.check(f"http://{host}:{port}/")
            assert not deliver(strict, f"http://{host}:{port}/").succeeded


def test_a_name_that_turns_to_the_local_machine_after_registration_is_refused(strict, names):
    names["hooks.example.com"] = [["93.184.215.14"], ["127.0.0.1"]]
    with canary() as ports:
        url = f"http://hooks.example.com:{ports[0]}/"
        strict.check(url)
        attempt = deliver(strict, url)
    assert attempt.error == "The host has an address that webhooks may not reach."


def test_the_address_that_was_checked_is_the_one_that_is_dialled(names):
    names["hooks.example.com"] = [["127.0.0.2"], ["127.0.0.1"]]
    sender = make_sender(allowed_networks=[ip_network("127.0.0.2/32")])
    with (
        Receiver(answer(200), address="127.0.0.2") as receiver,
        canary(1, port=receiver.port),
    ):
        attempt = deliver(sender, f"http://hooks.example.com:{receiver.port}/")
    assert attempt.succeeded, attempt.error
    assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"


@pytest.mark.parametrize(
    "addresses",
    [
        ["93.184.215.14", "127.0.0.1"],
        ["127.0.0.1", "93.184.215.14"],
        ["2606:4700::1111", "127.0.0.1"],
        ["93.184.215.14", "::1"],
        ["93.184.215.14", "::ffff:127.0.0.1"],
    ],
)
def test_one_refused_address_among_several_condemns_the_name(strict, names, addresses):
    names["hooks.example.com"] = [addresses]
    with canary(1) as (port,):
        url = f"http://hooks.example.com:{port}/"
        with pytest.raises(InvalidRequestError):
            strict.check(url)
        attempt = deliver(strict, url)
    assert attempt.error == "The host has an address that webhooks may not reach."


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_failures_and_not_followed(status):
    sender = make_sender(allowed_networks=[ip_network("127.0.0.2/32")])
    with canary(1) as (port,):
        redirect = answer(status, f"Location: http://127.0.0.1:{port}/")
        with Receiver(redirect, address="127.0.0.2") as receiver:
            attempt = deliver(sender, f"http://127.0.0.2:{receiver.port}/")
    assert attempt.error == f"Answered {status}; redirects are not followed."
    assert len(receiver.requests) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    sender = make_sender()
    with canary(1) as (port,), Receiver(answer(200)) as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert deliver(sender, f"http://127.0.0.1:{receiver.port}/").succeeded


def test_check_refuses_names_of_internal_networks_that_do_not_resolve(strict, names):
    for host in ("metadata.google.internal", "redis", "printer.local"):
        with pytest.raises(InvalidRequestError, match="internal"):
            strict.check(f"http://{host}/")


def test_check_accepts_public_names_and_names_without_an_address_yet(strict, names):
    names["hooks.example.com"] = [["93.184.215.14", "2606:4700::1111"]]
    strict.check("http://hooks.example.com/")
    strict.check("http://not-yet.example.com/")
    strict.check("http://8.8.8.8/")


def test_check_accepts_what_is_in_an_allowed_network(names):
    names["redis"] = [["10.1.2.3"]]
    sender = make_sender(allowed_networks=[ip_network("10.1.0.0/16")])
    sender.check("http://redis/")
    sender.check("http://10.1.0.1/")
    with pytest.raises(InvalidRequestError):
        sender.check("http://10.2.0.1/")


def test_send_fails_on_a_name_without_an_address(strict, names):
    attempt = deliver(strict, "http://not-yet.example.com/")
    assert attempt.error == "The host name has no address."


def test_send_does_not_wait_for_a_resolver_that_is_silent(monkeypatch):
    silence = threading.Event()

    def getaddrinfo(*_, **__):
        silence.wait(60)
        raise socket.gaierror("unknown name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        attempt = deliver(make_sender(timeout_s=0.1), "http://hooks.example.com/")
    finally:
        silence.set()
    assert attempt.error == "No answer in time."


def test_send_tries_the_next_address_when_one_does_not_answer(names):
    names["hooks.example.com"] = [["127.0.0.3", "127.0.0.1"]]
    with Receiver(answer(200)) as receiver:
        attempt = deliver(make_sender(), f"http://hooks.example.com:{receiver.port}/")
    assert attempt.succeeded, attempt.error
