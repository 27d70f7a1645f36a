"""Who manages applications: the holder of an API key that administers this service.

A script logs in as it does there, with the API key for its password; the name does not matter. The
cookie holds the key itself, so there is no session to store. Users may take the place of keys here:
everything else asks for ``administrator()`` alone.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, g, request

from app.compat.compreface.documents import answer
from app.compat.compreface.errors import CompreFaceError
from app.domain.access import Credential
from app.domain.caller import Caller
from app.web.context import act_for, claim, current_container, key_ring

if TYPE_CHECKING:
    from app.domain.access import ApiKey

routes = Blueprint("compreface_admin_session", __name__)

_COOKIE = "CFSESSION"
_LIFE_S = 2400


def administrator() -> ApiKey:
    """Return the key that this request was made with, which has a name to show."""
    return cast("ApiKey", g.administrator)


def authenticate() -> None:
    """Find the key in the cookie, or in ``x-api-key``, and keep it for ``administrator``.

    Raises: CompreFaceError: there is none, or it does not administer the whole service.
    """
    stated = request.cookies.get(_COOKIE) or request.headers.get("x-api-key", "")
    g.administrator = _administrator(stated)
    act_for(Caller.of_key(g.administrator))


@routes.post("/oauth/token")
def log_in() -> Response:
    """Exchange a password, which is an API key, for a cookie."""
    key = request.form.get("password", "")
    _administrator(key)
    response = answer({"expires_in": _LIFE_S})
    response.set_cookie(
        _COOKIE,
        key.strip(),
        max_age=_LIFE_S,
        path="/admin",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


@routes.delete("/oauth/token")
def log_out() -> Response:
    """Take the cookie back."""
    response = answer({})
    response.delete_cookie(_COOKIE, path="/admin")
    return response


def _administrator(text: str) -> ApiKey:
    credential = Credential.parse(text)
    key: ApiKey | None = None
    if credential is not None:
        key = key_ring().find(credential.public_id)
    if key is not None:
        claim(Caller.of_key(key))
    now = current_container().clock.now()
    if (
        credential is None
        or key is None
        or not key.accepts(credential.secret, now)
        or not key.is_live(now)
    ):
        raise CompreFaceError(1, "Access denied", HTTPStatus.UNAUTHORIZED)
    if not Caller.of_key(key).is_global_admin:
        raise CompreFaceError(1, "Access denied", HTTPStatus.FORBIDDEN)
    return key
