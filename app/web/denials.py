"""Refused requests in the audit trail, of our API and of those of other systems alike."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from flask import current_app, request

from app.domain.audit import Verdict
from app.domain.errors import ServiceUnavailableError
from app.domain.naming import as_uuid
from app.services.access.audit_trail import record_denial
from app.web.context import claimed_caller

if TYPE_CHECKING:
    from flask import Flask, Response

    from app.bootstrap import Container

_LOG = logging.getLogger(__name__)

#: Parameters of paths that name things; another one holds a secret.
_NAMES = re.compile(r"\w+_id|collection|subject")
_VERDICTS: dict[int, Verdict] = {
    HTTPStatus.UNAUTHORIZED: Verdict.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: Verdict.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Verdict.NOT_FOUND,
}


def register(app: Flask) -> None:
    """Write down every refusal of somebody who is known."""
    app.after_request(_write_down)


def _write_down(response: Response) -> Response:
    """Record refusals of known keys only: without a key, anyone could fill the disk with records.

    Of things that are not found, those of others look like those that do not exist, to the caller
    and to this process; the database shows afterwards whose the id is.
    """
    verdict = _VERDICTS.get(response.status_code)
    claimed = claimed_caller()
    named = bool(request.view_args)
    if verdict is None or claimed is None or request.url_rule is None:
        return response
    if verdict is Verdict.NOT_FOUND and not named:
        return response
    whole: Container = current_app.extensions["container"]
    container = whole.acting_for(claimed.tenant_id, claimed.actor)
    try:
        record_denial(
            verdict,
            _target(),
            method=request.method,
            route=request.url_rule.rule,
            uow=container.uow,
        )
    except ServiceUnavailableError:
        _LOG.warning("a refusal could not be recorded", extra={"action": "audit.miss"})
    return response


def _target() -> tuple[str, UUID] | None:
    """Return what the path names last, by its parameter, if that is an id."""
    for name, value in reversed((request.view_args or {}).items()):
        found = value if isinstance(value, UUID) else as_uuid(str(value))
        if found is not None and _NAMES.fullmatch(name):
            return name.removesuffix("_id"), found
    return None
