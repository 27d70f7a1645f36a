"""Flower's configuration file: a password for everything, nothing to be changed, nothing private.

Flower by itself leaves its metrics, its static files and what does not exist open to everyone.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from flower.app import Flower
from flower.events import EventsState
from flower.views import BaseHandler
from tornado.web import HTTPError

from tasks.process.app import celery

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

#: No page can shut a worker down or send a task.
read_only = True

#: Says that the process answers, and nothing else.
_OPEN = "/healthcheck"

# Its user in Redis cannot put back what workers have not acknowledged: it looks after messages of
# its own, of which there are none.
celery.conf.broker_transport_options |= {
    name: f"flower.{name}" for name in ("unacked_key", "unacked_index_key", "unacked_mutex_key")
}


class _Gate(BaseHandler):  # type: ignore[misc]
    """Refuses every request without the password, whatever it asks for."""

    def prepare(self) -> None:
        """Answer before the method is looked at."""
        raise HTTPError(401)

    def check_xsrf_cookie(self) -> None:
        """Leave the answer to :meth:`prepare`."""

    def check_trusted_origin(self, _origin: str) -> bool:
        """Leave the answer to :meth:`prepare`."""
        return True


def _has_password(application: Flower, request: HTTPServerRequest) -> bool:
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = b64decode(coded, validate=True)
    except ValueError:
        return False
    logins = application.options.basic_auth or []
    matches = [hmac.compare_digest(given, login.encode()) for login in logins]
    return scheme.lower() == "basic" and any(matches)


def _find_handler(self: Flower, request: HTTPServerRequest, **arguments: Any) -> Any:  # noqa: ANN401
    if request.path == _OPEN or _has_password(self, request):
        return _find_by_path(self, request, **arguments)
    return self.get_handler_delegate(request, _Gate)


_find_by_path = Flower.find_handler
Flower.find_handler = _find_handler


def _take_event(self: EventsState, event: dict[str, Any]) -> None:
    """Forget what a task was called with and what came of it, before any page or call can show it.

    The message of an exception may quote private data, and a traceback shows it.
    """
    for name in _PRIVATE & event.keys():
        event[name] = "hidden"
    if "exception" in event:
        event["exception"] = str(event["exception"]).partition("(")[0]
    _store_event(self, event)


_PRIVATE = frozenset({"args", "kwargs", "result", "traceback"})
_store_event = EventsState.event
EventsState.event = _take_event
