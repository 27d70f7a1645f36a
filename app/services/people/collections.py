"""Make, find, change and remove collections.

What takes a ``work`` is a step of a use case, for any API that has one of its own: it does not
commit, and leaves the audit record and the receipt that belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.collection import Collection
from app.domain.erasure import Erased
from app.domain.errors import Fault, NotFoundError, ValidationFailedError
from app.domain.identity import new_id
from app.domain.matching import Matcher
from app.domain.naming import as_uuid
from app.domain.quality import QualityGate
from app.services.access.visibility import require_global, require_visible_collection
from app.services.people.consent_rules import require_all_covered
from app.services.people.hold_rules import require_nothing_held

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Mapping
    from typing import Any
    from uuid import UUID

    from app.domain.caller import Caller
    from app.domain.job import Job
    from app.services.erasure.receipts import Receipts
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSettings:
    """What a new collection is to be; the fields mean what they mean in ``Collection``."""

    name: str
    model: str
    matcher: Matcher = Matcher.AUTO
    target_fpir: float = 0.01
    similarity_threshold: float | None = None
    possible_threshold: float | None = None
    quality_gate: QualityGate = QualityGate.BASIC
    keep_images: bool = True
    retention_days: int | None = None
    require_consent: bool = False
    keep_probes: bool = False
    job_retention_h: int | None = None


def create_collection(
    settings: CollectionSettings,
    *,
    models: Iterable[str],
    caller: Caller,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> Collection:
    """Store a new collection.

    Raises: ConflictError: the name is taken. ValidationFailedError: the model is none of those
    known, or the thresholds are out of order. PermissionDeniedError: the caller is of one
    collection.
    """
    require_global(caller)
    if settings.model not in models:
        raise ValidationFailedError(
            [Fault(detail=f"Must be one of {', '.join(sorted(models))}.", pointer="#/model")]
        )
    collection = Collection(
        id=new_id(),
        name=settings.name,
        model=settings.model,
        matcher=settings.matcher,
        target_fpir=settings.target_fpir,
        similarity_threshold=settings.similarity_threshold,
        possible_threshold=settings.possible_threshold,
        quality_gate=settings.quality_gate,
        keep_images=settings.keep_images,
        retention_days=settings.retention_days,
        require_consent=settings.require_consent,
        keep_probes=settings.keep_probes,
        job_retention_h=settings.job_retention_h,
        created_at=clock.now(),
    )
    _check_thresholds(collection)
    with uow() as work:
        add_collection(work, collection)
        work.commit()
    return collection


def add_collection(work: UnitOfWork, collection: Collection) -> None:
    """Store a collection. Raises: ConflictError: the name is taken."""
    work.collections.add(collection)
    work.audit.record(Action.CREATE_COLLECTION, collection.id)


def find_collection(reference: str, *, caller: Caller, work: UnitOfWork) -> Collection:
    """Return the collection of that id or name.

    Raises: NotFoundError: there is none that the caller may see.
    """
    collection_id = as_uuid(reference)
    collection = None if collection_id is None else work.collections.get(collection_id)
    if collection is None:
        collection = work.collections.find(reference)
    if collection is None:
        raise NotFoundError("This collection does not exist.")
    require_visible_collection(collection.id, caller)
    return collection


def get_collection(reference: str, *, caller: Caller, uow: UnitOfWorkFactory) -> Collection:
    """Return the collection of that id or name. Raises: NotFoundError."""
    with uow() as work:
        return find_collection(reference, caller=caller, work=work)


def list_collections(
    *,
    name: str | None = None,
    after: str | None,
    limit: int,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> list[Collection]:
    """Return the collections that the caller may see, by name, after the given one.

    With a ``name``, only the one that is called so.
    """
    with uow() as work:
        if name is not None:
            called = work.collections.find(name)
            seen = called is not None and caller.collection_id in {None, called.id}
            return [called] if called is not None and seen else []
        return work.collections.page(after=after, only=caller.collection_id, limit=limit)


def update_collection(
    reference: str,
    changes: Mapping[str, Any],
    *,
    caller: Caller,
    uow: UnitOfWorkFactory,
    clock: Clock,
) -> Collection:
    """Store changed settings; ``changes`` are fields of ``CollectionSettings`` but the model.

    A collection that keeps probes no more loses those that it has kept.
    Raises: NotFoundError. ConflictError: the new name is taken, or consents are to be required and
    faces are there without. ValidationFailedError: the thresholds would be out of order.
    """
    with uow() as work:
        found = find_collection(reference, caller=caller, work=work)
        # As it is now: a value read before a change of model would undo that change.
        before = work.collections.lock_alone(found.id)
        if before is None:
            raise NotFoundError("This collection does not exist.")
        collection = replace(before, **changes)
        _check_thresholds(collection)
        if collection.require_consent and not before.require_consent:
            require_all_covered(work, collection.id, now=clock.now())
        work.collections.update(collection)
        if before.keep_probes and not collection.keep_probes:
            work.jobs.drop_probes(collection.id)
        work.audit.record(Action.CHANGE_COLLECTION, collection.id, settings=sorted(changes))
        work.commit()
    return collection


def delete_collection(
    reference: str, *, receipts: Receipts, caller: Caller, uow: UnitOfWorkFactory
) -> Job:
    """Erase a collection and everything in it; return the receipt.

    Raises: NotFoundError, LegalHoldError.
    """
    with uow() as work:
        collection = find_collection(reference, caller=caller, work=work)
        receipt = erase_collection(work, collection.id, receipts=receipts, caller=caller)
        work.commit()
    return receipt


def erase_collection(
    work: UnitOfWork, collection_id: UUID, *, receipts: Receipts, caller: Caller
) -> Job:
    """Erase a collection and everything in it; return the receipt. Raises: LegalHoldError."""
    require_nothing_held(work, collection_id)
    rows = work.erasures.collection(collection_id)
    work.audit.record(Action.DELETE_COLLECTION, collection_id)
    return receipts.leave(work, Erased.COLLECTION, [collection_id], rows, owner_id=caller.owner_id)


def _check_thresholds(collection: Collection) -> None:
    match, possible = collection.similarity_threshold, collection.possible_threshold
    if match is not None and possible is not None and possible > match:
        raise ValidationFailedError(
            [
                Fault(
                    detail="Must not exceed the similarity_threshold.",
                    pointer="#/possible_threshold",
                )
            ]
        )
