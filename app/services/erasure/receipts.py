"""Leave a receipt of what was erased, and erase what is past its time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.domain.audit import Action
from app.domain.erasure import HOLD_NOBODY, Erased
from app.domain.identity import new_id
from app.domain.job import Job, JobState
from app.domain.job_parameters import ErasureParameters
from app.domain.job_results import ErasureReceipt
from app.domain.setback import Chore
from app.services.isolation import each
from app.services.webhooks.deliver import enqueue_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from app.domain.erasure import ExpiredFaces
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What became of an erasure."""

    receipt: Job
    #: The rows that went, by kind.
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """How receipts are made out."""

    #: The time in which the bytes of what was erased are gone.
    window: timedelta
    #: For how long a receipt is kept after that.
    retention: timedelta
    clock: Clock

    def leave(
        self,
        work: UnitOfWork,
        what: Erased,
        ids: Sequence[UUID],
        rows: Mapping[str, int],
        *,
        owner_id: UUID | None,
        tenant_id: UUID | None = None,
    ) -> Job:
        """Store a receipt in the transaction that erases, as a job that has ended, and return it.

        Without an owner it is seen by keys that administer the tenant; without a tenant it is that
        of the transaction. The sweep puts the deliveries.
        """
        now = self.clock.now()
        gone_by = now + self.window
        receipt = Job(
            id=new_id(),
            parameters=ErasureParameters(),
            state=JobState.SUCCEEDED,
            tenant_id=tenant_id,
            owner_id=owner_id,
            result=ErasureReceipt(
                erased=what,
                ids=tuple(ids),
                stores={**rows, **dict.fromkeys(HOLD_NOBODY, 0)},
                hold_nobody=HOLD_NOBODY,
                bytes_gone_by=gone_by,
                bytes_gone_at=None,
            ),
            created_at=now,
            started_at=now,
            finished_at=now,
            expires_at=gone_by + self.retention,
        )
        stored = work.erasures.record(receipt)
        enqueue_events(work, [stored])
        return stored


def erase_expired(receipts: Receipts, *, limit: int, uow: UnitOfWorkFactory) -> None:
    """Erase faces past their collection's retention, as if a caller had deleted them.

    A subject goes with its last face. A face that cannot be erased is set aside.
    """
    with uow() as work:
        expired = work.erasures.expired(now=receipts.clock.now(), limit=limit)
    for one in expired:
        each(Chore.FACES, one.face_ids, partial(_erase_expired, one, receipts, uow), uow=uow)


def _erase_expired(
    of: ExpiredFaces, receipts: Receipts, uow: UnitOfWorkFactory, face_ids: Sequence[UUID]
) -> None:
    with uow() as work:
        work.collections.lock(of.collection_id)
        rows = work.erasures.people(of.collection_id, face_ids=face_ids, emptied=True)
        if not rows["faces"]:  # another sweep was faster
            return
        receipts.leave(
            work, Erased.EXPIRED_FACES, face_ids, rows, owner_id=None, tenant_id=of.tenant_id
        )
        work.audit.record(
            Action.EXPIRE_FACES,
            of.collection_id,
            target_kind="collection",
            tenant_id=of.tenant_id,
            faces=rows["faces"],
        )
        work.commit()
