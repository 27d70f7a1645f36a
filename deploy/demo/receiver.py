"""A webhook receiver on loopback, which believes nothing that is not signed."""

from __future__ import annotations

import json
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from standardwebhooks import Webhook

from deploy.demo.client import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BYTES = 64 * 1024


class Receiver(ThreadingHTTPServer):
    """Takes every delivery in; `first` verifies them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deliveries: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/vultus"

    def first(self, secret: str, *, patience_s: float) -> dict[str, Any]:
        """Return the first delivery's event.

        Raises: DemoError: none came. WebhookVerificationError: its signature is wrong.
        """
        try:
            headers, body = self.deliveries.get(timeout=patience_s)
        except queue.Empty:
            raise DemoError(f"No webhook came in {patience_s:.0f} s.") from None
        Webhook(secret).verify(body, headers)
        event: dict[str, Any] = json.loads(body)
        return event


@contextmanager
def listening() -> Iterator[Receiver]:
    """Run a receiver for the length of the block."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers["content-length"]), _MOST_BYTES))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.deliveries.put((headers, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: the table is the output."""
