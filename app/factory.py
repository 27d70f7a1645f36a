"""Container in, web application out."""

from __future__ import annotations

from io import BytesIO
from typing import IO, TYPE_CHECKING

from flask import Flask, Request

from app.api import health, metrics, v1
from app.api.description import pages as description
from app.api.http import problems
from app.compat.compreface import blueprint as compreface
from app.web import denials, edge, paths
from app.web.collection_memory import CollectionMemory
from app.web.key_ring import KeyRing
from app.web.paths import StrictFormParser

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeAlias

    from app.bootstrap import Container

    _ExcInfo: TypeAlias = (
        "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"
    )

#: Parameters in a form beside the images.
_FORM_FIELDS = 16


class Front(Flask):
    """Logs what fails without the path of its request, which may hold a person's name."""

    def log_exception(self, exc_info: _ExcInfo) -> None:
        """Log the error alone; the line has the request's id."""
        self.logger.error("a request failed", exc_info=exc_info, extra={"action": "request.fail"})


class MemoryRequest(Request):
    """Keeps uploads in memory, which their limits allow, so that no photograph touches a disk."""

    form_data_parser_class = StrictFormParser

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return BytesIO()


def create_app(container: Container) -> Flask:
    """Return the WSGI application; it opens no connection before the first request."""
    app = Front(__name__, static_folder=None)
    app.request_class = MemoryRequest
    settings = container.settings
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    app.config["MAX_FORM_PARTS"] = settings.max_images + _FORM_FIELDS
    app.url_map.strict_slashes = False
    # A redirect from two slashes to one, for a method that the route has not, escapes Flask-RESTX.
    app.url_map.merge_slashes = False
    app.extensions["container"] = container
    app.extensions["key_ring"] = KeyRing(container.uow)
    app.extensions["collection_memory"] = CollectionMemory()
    # Callbacks after a request run in reverse: the figures are taken last.
    metrics.register(app)
    edge.register(app)
    paths.register(app)
    denials.register(app)
    problems.register(app)
    app.register_blueprint(health.page)
    compreface.register(app)
    v1.register(app)
    app.register_blueprint(description.pages)
    return app
