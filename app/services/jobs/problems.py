"""Errors as problem documents (RFC 9457), the same in answers and in failed jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.domain.errors import VultusError


def problem(error: VultusError, *, instance: str | None = None) -> dict[str, Any]:
    """Return the document of an error.

    ``type`` is a path below the service's own address, so that a stored document stays right when
    the service moves; the front makes it absolute.
    """
    document = {
        "type": f"/problems/{error.slug}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if instance is not None:
        document["instance"] = instance
    return document
