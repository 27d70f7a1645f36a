"""What a key may see. Everything else answers exactly like a thing that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.access import Scope
from app.domain.errors import NotFoundError, PermissionDeniedError
from app.domain.tenant import DEFAULT_TENANT_ID

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.access import ApiKey
    from app.domain.job import Job


def is_global_admin(key: ApiKey) -> bool:
    """Whether the key administers all that its tenant has."""
    return key.scope is Scope.ADMIN and key.collection_id is None


def require_global(key: ApiKey) -> None:
    """Refuse keys of one collection. Raises: PermissionDeniedError."""
    if key.collection_id is not None:
        raise PermissionDeniedError(
            "the API key is bound to one collection; this call needs a key for all of them"
        )


def require_operator(key: ApiKey) -> None:
    """Refuse keys of one collection and of other tenants. Raises: PermissionDeniedError."""
    require_global(key)
    if key.tenant_id != DEFAULT_TENANT_ID:
        raise PermissionDeniedError(
            "this call tells of every tenant's work; it needs a key of the first tenant"
        )


def owner_filter(key: ApiKey) -> UUID | None:
    """Return whose things the key may list: its own, or everyone's (``None``)."""
    return None if is_global_admin(key) else key.id


def require_visible_job(job: Job | None, key: ApiKey) -> Job:
    """Return the job. Raises: NotFoundError: there is none, or it is another key's."""
    if job is None or (job.owner_id != key.id and not is_global_admin(key)):
        raise NotFoundError("there is no such job")
    return job


def require_visible_collection(collection_id: UUID, key: ApiKey) -> None:
    """Refuse other collections than the key's own. Raises: NotFoundError."""
    if key.collection_id not in {None, collection_id}:
        raise NotFoundError("there is no such collection")
