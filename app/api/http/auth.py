"""Who makes a request, and whether they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from app.domain.access import Credential
from app.domain.caller import Caller
from app.domain.errors import AuthenticationError, PermissionDeniedError
from app.web.context import act_for, claim, current_container, key_ring

if TYPE_CHECKING:
    from app.domain.access import ApiKey, Scope

#: Public parts are 12 characters; nothing much longer needs looking up.
_MAX_PUBLIC_ID = 64


def authenticate(needed: Scope) -> Caller:
    """Return the holder of this request's live key and keep it for ``current_caller``.

    Raises: AuthenticationError: there is none. PermissionDeniedError: its scope does not reach.
    """
    credential = _presented()
    found = _find(credential) if credential else None
    if found is None:
        raise AuthenticationError
    if not found.scope.covers(needed):
        raise PermissionDeniedError(
            f'This call needs a key with the scope "{needed}". Yours has "{found.scope}".'
        )
    caller = Caller.of_key(found)
    act_for(caller)
    return caller


def _find(credential: Credential) -> ApiKey | None:
    now = current_container().clock.now()
    found = key_ring().find(credential.public_id)
    if found is not None and not found.accepts(credential.secret, now):
        # A secret that another process has just made is good at once.
        found = key_ring().look_up(credential.public_id)
    if found is not None:
        claim(Caller.of_key(found))
    if found is None or not found.accepts(credential.secret, now) or not found.is_live(now):
        return None
    return found


def _presented() -> Credential | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    text = token if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    credential = Credential.parse(text)
    if credential is None or len(credential.public_id) > _MAX_PUBLIC_ID:
        return None
    return credential
