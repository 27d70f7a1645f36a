"""Addresses as they were sent.

A WSGI server unescapes a path before anybody has taken it apart, so that ``a%2F`` becomes ``a/``,
and a route takes the slash off: one person's address becomes another's. Here a path is taken apart
first: what was escaped in it, "/" and "%", stays so until its parameters are read.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from flask import request
from werkzeug.exceptions import NotFound
from werkzeug.formparser import FormDataParser
from werkzeug.routing import PathConverter, UnicodeConverter

from app.domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

_ESCAPED = re.compile(r"%(2[Ff]|25)")
#: A percent sign that escapes nothing, and stands for itself.
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
#: What a segment of a path may hold beside letters and digits (RFC 3986, 3.3), and escapes.
_PATH_SAFE = "/%!$&'()*+,;=:@"
_URL_ENCODED = "application/x-www-form-urlencoded"
_CHANGING = frozenset({"DELETE", "PATCH", "PUT"})
_REPLACEMENT = "\ufffd"


class _Segment(UnicodeConverter):
    """One segment, whatever it holds."""

    def to_python(self, value: str) -> str:
        return _unescaped(value)


class _Rest(PathConverter):
    """One segment or more, whatever they hold; empty ones too."""

    regex = r"(?:.|\n)+?"
    part_isolating = False

    def to_python(self, value: str) -> str:
        return _unescaped(value)


class StrictFormParser(FormDataParser):
    """Refuses forms that are not UTF-8, where different texts would be read as one."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - as in the base class
        """Return the stream, the fields and the files. Raises: InvalidRequestError."""
        if mimetype == _URL_ENCODED:
            body = stream.read()
            if not _is_utf8(unquote_to_bytes(body)):
                raise _not_utf8("form")
            stream = BytesIO(body)
        parsed = super().parse(stream, mimetype, content_length, options)
        if any(_REPLACEMENT in text for pair in parsed[1].items(multi=True) for text in pair):
            raise _not_utf8("form")
        return parsed


def register(app: Flask) -> None:
    """Route by the segments of a path, and refuse what is not UTF-8; behind the request's id."""
    app.url_map.converters |= {"default": _Segment, "string": _Segment, "path": _Rest}
    app.wsgi_app = _by_segments(app.wsgi_app)  # type: ignore[method-assign,assignment]
    app.before_request(_require_readable)


def refuse_shortened() -> None:
    """Refuse to change what an address with a slash at its end names. Raises: NotFound.

    Clients make ``…/collections/staff/`` of ``…/collections/staff/subjects/..``: what was meant for
    one person would reach everybody.
    """
    if request.method in _CHANGING and request.path.endswith("/"):
        raise NotFound


def encoded_path() -> str:
    """Return the path of the present request as it stands in a URL."""
    return quote(request.path, safe=_PATH_SAFE, errors="replace")


def _by_segments(application: WSGIApplication) -> WSGIApplication:
    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        sent = environ.get("REQUEST_URI") or environ.get("RAW_URI")
        if sent:
            path = _SCHEME.sub("", sent, count=1).partition("?")[0]
            kept = _ESCAPED.sub(r"%25\1", _BARE_PERCENT.sub("%25", path)).encode(
                "latin-1", "replace"
            )
            environ["PATH_INFO"] = "/" + unquote_to_bytes(kept).decode("latin-1").lstrip("/")
        return application(environ, start_response)

    return call


def _require_readable() -> None:
    if not _is_utf8(request.environ["PATH_INFO"].encode("latin-1")):
        raise NotFound  # nothing is called so
    if not _is_utf8(unquote_to_bytes(request.query_string)):
        raise _not_utf8("query")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(what: str) -> InvalidRequestError:
    return InvalidRequestError(f"The {what} is not UTF-8. Encode its text as UTF-8.")


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda found: "%" if found[1] == "25" else "/", value)
