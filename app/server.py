"""The front: ``python -m app.server --listen 127.0.0.1:8000``.

Waitress, which reads every request in one loop and gives it a thread only when it is complete, with
three things added: requests that arrive too slowly are cut, those that the disk has no room for are
answered, and its own errors are problem documents.
"""

from __future__ import annotations

import argparse
import logging
import time
from typing import TYPE_CHECKING

from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import (
    Error,
    InternalServerError,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
)
from werkzeug.exceptions import default_exceptions

from app.api.http.problem_types import of_error, of_status
from app.api.schemas.problems import ProblemResource
from app.domain.errors import InsufficientStorageError, VultusError
from app.web.edge import HEADERS, request_id_of

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_LOG = logging.getLogger(__name__)

#: A request may take so long, and as much longer as its bytes take at the least rate: a photograph
#: of 10 MB has about 11 minutes.
_GRACE_S = 20.0
_LEAST_BYTES_PER_S = 16 * 1024

_SILENCE_S = 30
_CHECK_EVERY_S = 1
_CONNECTIONS = 1000
_HEADER_BYTES = 64 * 1024
#: Read from a connection at a time: a photograph in one go, where waitress would take many turns.
_RECEIVED_BYTES = 64 * 1024
#: The service's own limit comes with a better answer; this one spares the disk much more than that.
_SPARE_BODY_BYTES = 2**20

#: Of these the server itself gives but a number, or what is for the log alone.
_WORDLESS = (RequestEntityTooLarge, RequestHeaderFieldsTooLarge, InternalServerError)


class RequestTimeoutError(Error):  # type: ignore[misc] # waitress ships no types
    """The answer to a request that is not complete in time."""

    code = 408
    reason = "Request Timeout"


class StorageFullError(Error):  # type: ignore[misc]
    """The answer to a request that could not be kept until it was complete."""

    code = InsufficientStorageError.status
    reason = InsufficientStorageError.title


class _Body(OverflowableBuffer):  # type: ignore[misc]
    """Keeps a body in memory or, when it is large, on the disk; lets it go when there is no room.

    What follows is taken and dropped, so that the sender comes to read the answer.
    """

    dropped = False

    def append(self, data: bytes) -> None:
        if self.dropped:
            return
        try:
            super().append(data)
        except OSError:
            self.dropped = True
            self.close()
            self.buf, self.strbuf = None, b""


class _ArrivingRequest(HTTPRequestParser):  # type: ignore[misc]
    """Knows since when it arrives, and refuses what two servers may read differently."""

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self._began_at = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if "CONTENT_LENGTH" in self.headers and self.chunked:
            raise ParsingError("The request has a length and chunks. Send one of them.")
        if self.body_rcv is not None:
            self.body_rcv.buf = _Body(self.adj.inbuf_overflow)

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        body = None if self.body_rcv is None else self.body_rcv.buf
        if self.completed and isinstance(body, _Body) and body.dropped:
            self.error = StorageFullError(InsufficientStorageError().detail)
        return consumed

    def is_late(self, now: float, grace_s: float) -> bool:
        """Return whether it takes longer than its bytes explain."""
        received: int = self.header_bytes_received + self.body_bytes_received
        return now - self._began_at > grace_s + received / _LEAST_BYTES_PER_S


class _ProblemTask(ErrorTask):  # type: ignore[misc]
    """Answers what the application does not: bad requests, and what failed beneath it."""

    def service(self) -> None:
        try:
            super().service()
        except ClientDisconnected:
            self.close_on_finish = True

    def execute(self) -> None:
        error = self.request.error
        request_id = request_id_of(self.request.headers.get("X_REQUEST_ID"))
        _LOG.log(
            logging.ERROR if isinstance(error, InternalServerError) else logging.INFO,
            "answered beneath the application",
            extra={"action": "request.cut", "status": error.code, "request_id": request_id},
        )
        if isinstance(error, StorageFullError):
            kind = of_error(InsufficientStorageError)
            retry_after_s = InsufficientStorageError().retry_after_s
            self.response_headers.append(("Retry-After", str(retry_after_s)))
        elif isinstance(error, InternalServerError):
            kind = of_error(VultusError)
        else:
            kind = of_status(default_exceptions[error.code])
        said = f"{error.body.rstrip('.')}."
        detail = kind.description if isinstance(error, _WORDLESS) else said
        problem = ProblemResource(
            type=f"{self.channel.server.base_url}/problems/{kind.slug}",
            title=kind.title,
            status=kind.status,
            detail=detail,
        )
        body = problem.model_dump_json(exclude_none=True).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            *HEADERS.items(),
            ("X-Request-Id", request_id),
            ("Content-Type", "application/problem+json"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _ApplicationTask(WSGITask):  # type: ignore[misc]
    """Fails without a word of the request: its path may hold a person's name."""

    def service(self) -> None:
        try:
            super().service()
        except ClientDisconnected:
            self.close_on_finish = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            _LOG.exception(
                "a request failed beneath the application", extra={"action": "request.fail"}
            )
            if self.wrote_header:
                self.close_on_finish = True
                return
            failed = self.channel.parser_class(self.channel.adj)
            failed.version = self.request.version
            failed.headers = self.request.headers
            failed.error = InternalServerError(type(error).__name__)
            answer = _ProblemTask(self.channel, failed)
            answer.service()
            self.close_on_finish = answer.close_on_finish


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _ArrivingRequest
    task_class = _ApplicationTask
    error_task_class = _ProblemTask

    def cut_if_late(self, now: float) -> None:
        """Answer the request that arrives with 408 when it has taken too long."""
        with self.requests_lock:
            late: _ArrivingRequest | None = self.request  # type: ignore[has-type]
            if late is None or self.requests or not late.is_late(now, self.server.grace_s):
                return
            late.error = RequestTimeoutError("The request did not arrive in time. Send it again.")
            late.completed = True
            self.request = None
            self.requests.append(late)
        self.server.add_task(self)


class PatientServer(TcpWSGIServer):  # type: ignore[misc]
    """Waits for slow clients, but not for ever."""

    channel_class = _Channel
    grace_s = _GRACE_S
    #: What the types of problems begin with.
    base_url = ""

    def maintenance(self, now: float) -> None:
        """Close silent connections, and cut requests that arrive too slowly."""
        super().maintenance(now)
        moment = time.monotonic()
        for channel in list(self.active_channels.values()):
            channel.cut_if_late(moment)


def build_server(
    application: WSGIApplication,
    *,
    listen: str,
    threads: int,
    max_body_bytes: int,
    base_url: str = "",
) -> PatientServer:
    """Return a server that is bound to ``listen`` (``host:port``) and not yet running.

    ``threads`` requests are served at once; others wait for their turn. ``base_url`` is what the
    types of problems begin with.
    """
    server = PatientServer(
        application,
        adj=Adjustments(
            listen=listen,
            threads=threads,
            ident="vultus",
            asyncore_use_poll=True,
            channel_timeout=_SILENCE_S,
            cleanup_interval=_CHECK_EVERY_S,
            connection_limit=_CONNECTIONS,
            recv_bytes=_RECEIVED_BYTES,
            max_request_header_size=_HEADER_BYTES,
            max_request_body_size=max_body_bytes,
        ),
    )
    server.base_url = base_url
    return server


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.server", description="Run the front.")
    parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HOST:PORT")
    parser.add_argument("--threads", type=int, default=64, help="requests served at once")
    arguments = parser.parse_args()

    from app.wsgi import application, settings  # noqa: PLC0415 - --help needs no configuration

    build_server(
        application,
        listen=arguments.listen,
        threads=arguments.threads,
        max_body_bytes=settings.max_request_bytes + _SPARE_BODY_BYTES,
        base_url=settings.base_url.rstrip("/"),
    ).run()


if __name__ == "__main__":
    _main()
