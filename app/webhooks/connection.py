"""Connections to checked addresses only, within a bound of time and of bytes."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import httpcore

from app.webhooks.addresses import may_reach

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    from app.webhooks.addresses import Address, Network

#: More bytes than this are not read of an answer, its headers included.
MAX_RESPONSE_BYTES = 64 * 1024

#: Small enough that a receiver that reads slowly cannot stretch one write far beyond the deadline.
_WRITE_BYTES = 4096


class NameUnknownError(httpcore.ConnectError):
    """The host name has no address."""


class AddressRefusedError(httpcore.ConnectError):
    """The host has an address that webhooks may not reach."""


def resolve(host: str, *, timeout_s: float) -> list[Address]:
    """Return the addresses of a host name, in the order of the system's resolver.

    The resolver knows no time limit, so it is left behind in its thread when the time is up.
    Raises: NameUnknownError; httpcore.ConnectTimeout.
    """
    answer: Future[list[Address]] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answer.set_result([ip_address(entry[4][0]) for entry in found])
        except (OSError, ValueError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return answer.result(timeout_s)
    except TimeoutError:
        raise httpcore.ConnectTimeout from None
    except (OSError, ValueError) as error:
        raise NameUnknownError from error


class InsecureError(httpcore.ConnectError):
    """The receiver does not speak TLS, or its certificate is not one for the host."""


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of one request.

    A host is resolved once, every address of it is checked, and the checked address itself is
    dialled: a name that resolves differently the next time gains nothing. Everything together,
    from the resolver to the last byte read, ends at the deadline.
    """

    def __init__(self, *, timeout_s: float, allowed: Sequence[Network]) -> None:
        self._deadline = _Deadline(timeout_s)
        self._allowed = allowed
        self._dialler = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the host.

        Raises: AddressRefusedError, NameUnknownError, or other errors of httpcore.
        """
        addresses = resolve(host, timeout_s=self._deadline.left(httpcore.ConnectTimeout))
        # One refused address condemns the name: an honest name has no reason to mix them.
        if not all(may_reach(address, self._allowed) for address in addresses):
            raise AddressRefusedError
        failure: httpcore.NetworkError | httpcore.TimeoutException = NameUnknownError()
        for number, address in enumerate(addresses):
            share = self._deadline.left(httpcore.ConnectTimeout) / (len(addresses) - number)
            try:
                stream = self._dialler.connect_tcp(
                    str(address), port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _BoundedStream(stream, self._deadline)
        raise failure


class _Deadline:
    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s

    def left(self, late: type[httpcore.TimeoutException]) -> float:
        """Return the seconds left, or raise the given error when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise late
        return left


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._unread = MAX_RESPONSE_BYTES

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        if self._unread == 0:
            raise httpcore.ReadError("The answer is too long.")
        left = self._deadline.left(httpcore.ReadTimeout)
        received = self._stream.read(min(max_bytes, self._unread), left)
        self._unread -= len(received)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        for start in range(0, len(buffer), _WRITE_BYTES):
            left = self._deadline.left(httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _WRITE_BYTES], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, left)
        except httpcore.ConnectError as error:
            raise InsecureError from error
        return _BoundedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as in the base
        return self._stream.get_extra_info(info)
