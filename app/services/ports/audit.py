"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.domain.audit import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.audit import Action, AuditHead, AuditRecord, Detail


class AuditTrail(Protocol):
    """What was done, stored in the transaction that did it; nothing in it is ever changed."""

    def record(
        self,
        action: Action,
        target_id: UUID | None = None,
        *,
        target_kind: str | None = None,
        verdict: Verdict = Verdict.DONE,
        tenant_id: UUID | None = None,
        **details: Detail,
    ) -> None:
        """Write down what the unit of work's actor does, under the request's id.

        It belongs to the unit of work's tenant; without one, give the tenant whose thing it is.
        The target's kind is the action's first word unless it is given. Details are ids, numbers
        and words of ours, never what a caller has written.
        """

    def page(
        self, *, action: Action | None, target_id: UUID | None, before: UUID | None, limit: int
    ) -> list[AuditRecord]:
        """Return the tenant's records, newest first."""

    def hold_still(self) -> None:
        """Begin a transaction that sees the trail as it is now until it ends."""

    def chain(self, *, after: int, limit: int) -> list[AuditRecord]:
        """Return sealed records of every tenant in their order, behind a sequence number."""

    def unsealed(self, *, limit: int, only: Sequence[UUID] | None = None) -> list[AuditRecord]:
        """Return records that are not sealed yet nor set aside, oldest first."""

    def unsealed_ids(self, *, limit: int, aside: bool = False) -> list[UUID]:
        """Return their ids, ``aside`` with those that are set aside, and read nothing else."""

    def head(self) -> AuditHead | None:
        """Return the head; ``None`` where nothing was sealed yet."""

    def lock_head(self, first: AuditHead) -> AuditHead:
        """Return the head, kept from other sealers until the transaction ends.

        Where there is none, ``first`` is it.
        """

    def put_head(self, head: AuditHead) -> None:
        """Store a head in place of the one that is held."""

    def seal(self, records: Sequence[AuditRecord]) -> None:
        """Store the sequence numbers and codes of records that had none."""

    def prune(self, sequence: int) -> None:
        """Remove the records up to that number; the head has to say so already."""
