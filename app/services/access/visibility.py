"""What a caller may see. Everything else answers exactly like a thing that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NotFoundError, PermissionDeniedError
from app.domain.tenant import DEFAULT_TENANT_ID

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.job import Job


def require_global(caller: Caller) -> None:
    """Refuse callers of one collection. Raises: PermissionDeniedError."""
    if caller.collection_id is not None:
        raise PermissionDeniedError(
            "The API key is bound to one collection. This call needs a key for all of them."
        )


def require_operator(caller: Caller) -> None:
    """Refuse callers of one collection and of other tenants. Raises: PermissionDeniedError."""
    require_global(caller)
    if caller.tenant_id != DEFAULT_TENANT_ID:
        raise PermissionDeniedError(
            "This call shows the work of every tenant. It needs a key of the first tenant."
        )


def require_visible_job(job: Job | None, caller: Caller) -> Job:
    """Return the job. Raises: NotFoundError: there is none, or it is another's."""
    if job is None or caller.owner_filter not in {None, job.owner_id}:
        raise NotFoundError("This job does not exist.")
    return job


def require_visible_collection(collection_id: UUID, caller: Caller) -> None:
    """Refuse other collections than the caller's own. Raises: NotFoundError."""
    if caller.collection_id not in {None, collection_id}:
        raise NotFoundError("This collection does not exist.")
