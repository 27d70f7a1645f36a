"""Make, list, rotate and revoke the API keys of the caller's tenant.

Every function raises a PermissionDeniedError for a caller of one collection.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.access import ApiKey, Credential, Scope, hash_secret
from app.domain.audit import Action
from app.domain.caller import Caller
from app.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from app.domain.identity import new_id
from app.domain.naming import label
from app.services.access.visibility import require_global

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from app.services.ports import Clock, UnitOfWorkFactory


def create_key(
    *,
    name: str,
    scope: Scope,
    collection_id: UUID | None = None,
    expires_at: datetime | None = None,
    caller: Caller,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> tuple[ApiKey, Credential]:
    """Store a key and return it with its credential, which cannot be had again.

    Raises: NotFoundError: there is no such collection. InvalidRequestError: the name cannot be one.
    """
    require_global(caller)
    try:
        name = label(name)
    except ValueError as error:
        raise InvalidRequestError(f"The name cannot be used. {error}") from error
    credential = Credential.generate()
    key = ApiKey(
        id=new_id(),
        tenant_id=caller.tenant_id,
        name=name,
        public_id=credential.public_id,
        secret_hash=hash_secret(credential.secret),
        scope=scope,
        collection_id=collection_id,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    with uow() as work:
        if collection_id is not None and work.collections.get(collection_id) is None:
            raise NotFoundError("This collection does not exist.")
        work.keys.add(key)
        work.audit.record(Action.CREATE_KEY, key.id, scope=key.scope)
        work.commit()
    return key, credential


def list_keys(*, caller: Caller, uow: UnitOfWorkFactory) -> list[ApiKey]:
    """Return every key, oldest first."""
    require_global(caller)
    with uow() as work:
        return work.keys.all()


def get_key(key_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory) -> ApiKey:
    """Return a key. Raises: NotFoundError."""
    require_global(caller)
    with uow() as work:
        key = work.keys.get(key_id)
    if key is None:
        raise NotFoundError("This key does not exist.")
    return key


def rotate_key(
    key_id: UUID, *, overlap: timedelta, caller: Caller, uow: UnitOfWorkFactory, clock: Clock
) -> tuple[ApiKey, Credential]:
    """Draw a new secret, beside which the present one is good for the ``overlap``.

    The key stays the same, and with it everything that belongs to it. Of the secrets before the
    present one none is good any more. Returns the credential, which cannot be had again.
    Raises: NotFoundError. ConflictError: the key is revoked or has expired.
    """
    require_global(caller)
    now = clock.now()
    with uow() as work:
        key = work.keys.get(key_id)
        if key is None:
            raise NotFoundError("This key does not exist.")
        if not key.is_live(now):
            raise ConflictError("The key is closed. Create a new one.")
        credential = replace(Credential.generate(), public_id=key.public_id)
        key = replace(
            key,
            secret_hash=hash_secret(credential.secret),
            previous_secret_hash=key.secret_hash,
            previous_secret_until=now + overlap,
        )
        work.keys.replace_secret(key)
        work.audit.record(Action.ROTATE_KEY, key.id)
        work.commit()
    return key, credential


def revoke_key(key_id: UUID, *, caller: Caller, uow: UnitOfWorkFactory, clock: Clock) -> None:
    """Close a key for good; a second call changes nothing.

    Raises: NotFoundError. ConflictError: it is the last live key that administers the service.
    """
    require_global(caller)
    now = clock.now()
    with uow() as work:
        key = work.keys.get(key_id)
        if key is None:
            raise NotFoundError("This key does not exist.")
        if key.revoked_at is not None:
            return
        is_admin = Caller.of_key(key).is_global_admin
        if is_admin and not work.keys.another_admin(key_id, now):
            raise ConflictError(
                "This is the last key that administers the service. Create another one first."
            )
        work.keys.revoke(key_id, now)
        work.audit.record(Action.REVOKE_KEY, key_id)
        work.commit()
