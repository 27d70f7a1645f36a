"""Receivers of webhooks on the loopback interface, well-behaved and otherwise."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Received:
    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Takes requests at an address and lets ``respond(connection, request)`` answer each."""

    def __init__(self, respond, address="127.0.0.1", tls=None) -> None:
        self.requests = []
        self._respond = respond
        self._tls = tls
        self._closing = threading.Event()
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self._connections = []
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for thread in self._connections:
            thread.join()

    def pause(self, seconds):
        """Wait, but no longer than the test lasts."""
        self._closing.wait(seconds)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._connections.append(thread)
            thread.start()

    def _serve(self, connection):
        # The sender may break off at any moment; what it sent before is what is tested.
        with suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                request = _read(connection)
                if request is not None:
                    self.requests.append(request)
                    self._respond(connection, request)


def _read(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Received(line, headers, body)


def answer(status, *headers, body=b""):
    """Return a responder that answers with this status."""
    fields = "".join(f"{field}\r\n" for field in (*headers, f"content-length: {len(body)}"))
    response = f"HTTP/1.1 {status} X\r\n{fields}\r\n".encode() + body

    def respond(connection, request):
        connection.sendall(response)

    return respond


def reset(connection, request):
    """Break the connection off without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def canary(count=20, address="127.0.0.1", port=0):
    """Listen on ports that nobody may reach; yields them and fails when one was reached."""
    listeners = [socket.create_server((address, port)) for _ in range(count)]
    try:
        yield [listener.getsockname()[1] for listener in listeners]
        for listener in listeners:
            listener.setblocking(False)
            with suppress(BlockingIOError):
                connection, peer = listener.accept()
                connection.close()
                raise AssertionError(f"{peer} reached a port that nobody may reach")
    finally:
        for listener in listeners:
            listener.close()
