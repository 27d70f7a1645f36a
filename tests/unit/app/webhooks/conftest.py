from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest


@pytest.fixture
def names(monkeypatch):
    """A resolver for the whole process: name -> answers in turn, the last one for ever.

    An answer is a list of addresses, or an error to raise. Addresses resolve to themselves, and
    other names to nothing.
    """
    table = {}

    def getaddrinfo(host, port, *_, **__):
        try:
            addresses = [str(ip_address(host))]
        except ValueError:
            answers = table.get(host, [socket.gaierror("unknown name")])
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(addresses, Exception):
                raise addresses from None
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (address, int(port or 0), 0, 0) if ":" in address else (address, int(port or 0)),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return table
