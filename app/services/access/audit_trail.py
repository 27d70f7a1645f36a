"""Read, seal, check and shorten the audit trail.

Records are sealed in batches after they are committed: a chain that grew inside each transaction
would let one submit through at a time. See decision 16.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from app.domain.audit import START, Action, AuditHead, Verdict
from app.domain.errors import ConflictError
from app.domain.setback import Chore
from app.services.access.visibility import require_global
from app.services.isolation import each, is_outage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from uuid import UUID

    from app.domain.audit import AuditChain, AuditRecord
    from app.domain.caller import Caller
    from app.services.ports import Clock, UnitOfWork, UnitOfWorkFactory

_LOG = logging.getLogger(__name__)

#: Records that are read, sealed or pruned at once.
_AT_ONCE = 1000
_REFUSED = {"action": "audit.refuse"}


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first thing that is wrong with the trail."""

    #: The place in the chain; 0 is the head.
    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check of the trail has found."""

    #: Sealed records that were found as they were written.
    sound: int
    #: Records that no seal covers yet.
    unsealed: int
    head: AuditHead | None
    fault: AuditFault | None


def list_records(
    *,
    action: Action | None = None,
    target_id: UUID | None = None,
    before: UUID | None,
    limit: int,
    caller: Caller,
    uow: UnitOfWorkFactory,
) -> list[AuditRecord]:
    """Return the tenant's records, newest first, from the one before ``before``.

    Raises: PermissionDeniedError: the caller is of one collection.
    """
    require_global(caller)
    with uow() as work:
        return work.audit.page(action=action, target_id=target_id, before=before, limit=limit)


def record_action(
    action: Action,
    target_id: UUID | None = None,
    *,
    uow: UnitOfWorkFactory,
) -> None:
    """Write down what changes nothing in the database itself."""
    with uow() as work:
        work.audit.record(action, target_id)
        work.commit()


def record_denial(
    verdict: Verdict,
    target: tuple[str, UUID] | None,
    *,
    method: str,
    route: str,
    uow: UnitOfWorkFactory,
) -> None:
    """Write down that somebody was refused; the route is a pattern without its values."""
    kind, target_id = target or (None, None)
    with uow() as work:
        work.audit.record(
            Action.DENY,
            target_id,
            target_kind=kind,
            verdict=verdict,
            method=method,
            route=route,
        )
        work.commit()


def seal_records(chain: AuditChain, *, uow: UnitOfWorkFactory) -> AuditHead | None:
    """Give the records that wait their places in the chain; return the head if it has moved.

    Sealers take turns. A record that is committed late gets a later place, never one between. One
    that cannot be read or sealed is set aside, and gets its place when it can.
    """
    try:
        return _seal(chain, uow=uow)
    except Exception as error:
        if is_outage(error):
            raise
        with uow() as work:
            waiting = work.audit.unsealed_ids(limit=_AT_ONCE)
        each(Chore.AUDIT, waiting, partial(_try_to_seal, chain, uow), uow=uow)
        return _seal(chain, uow=uow)


def _try_to_seal(chain: AuditChain, uow: UnitOfWorkFactory, record_ids: Sequence[UUID]) -> None:
    with uow() as work:
        for record in work.audit.unsealed(limit=_AT_ONCE, only=record_ids):
            chain.link(*START[::-1], record)


def _seal(chain: AuditChain, *, uow: UnitOfWorkFactory) -> AuditHead | None:
    with uow() as work:
        if not work.audit.unsealed(limit=1):
            return None
        head = _locked_head(work, chain)
        if head is None:
            return None
        waiting = work.audit.unsealed(limit=_AT_ONCE)
        if not waiting:
            return None
        last = head.sequence, head.mac
        sealed = []
        for record in waiting:
            last = last[0] + 1, chain.link(last[1], last[0] + 1, record)
            sealed.append(replace(record, sequence=last[0], mac=last[1]))
        work.audit.seal(sealed)
        moved = chain.head(last, (head.pruned_sequence, head.pruned_mac))
        work.audit.put_head(moved)
        work.commit()
    if moved.sequence // _AT_ONCE != head.sequence // _AT_ONCE or head.sequence == 0:
        # Logs that are kept elsewhere then hold a head to compare with.
        _LOG.info("audit trail sealed", extra={"action": "audit.seal", "head": str(moved)})
    return moved


def prune_records(
    chains: Sequence[AuditChain], *, keep: timedelta, uow: UnitOfWorkFactory, clock: Clock
) -> int:
    """Remove records from the start of the trail that are older; return how many.

    The head keeps the code of the last one removed, so that the rest still hangs on something. A
    record that is not what was sealed stays, with all behind it: it may have been made to look old.
    ``chains`` are that of the present secret key, and those of former ones.
    """
    oldest = clock.now() - keep
    with uow() as work:
        head = work.audit.head()
        first = [] if head is None else work.audit.chain(after=head.pruned_sequence, limit=1)
        if not first or first[0].at >= oldest:
            return 0
        head = _locked_head(work, chains[0])
        if head is None:
            return 0
        kept, last = head.pruned_sequence, (head.pruned_sequence, head.pruned_mac)
        for record in work.audit.chain(after=kept, limit=_AT_ONCE):
            if record.at >= oldest:
                break
            if not _follows(record, last, chains):
                _LOG.error("an old audit record is not what was sealed", extra=_REFUSED)
                break
            last = _place(record)
        if last[0] == kept:
            return 0
        work.audit.put_head(chains[0].head((head.sequence, head.mac), last))
        work.audit.prune(last[0])
        work.commit()
    return last[0] - kept


def reseal_head(chain: AuditChain, former: AuditChain, *, uow: UnitOfWorkFactory) -> AuditHead:
    """Let the trail go on under another secret key; what the former one sealed stays as it is.

    Raises: ConflictError: neither key has sealed the head.
    """
    with uow() as work:
        head = work.audit.lock_head(chain.head(START, START))
        if not chain.sealed(head) and not former.sealed(head):
            raise ConflictError("Neither secret key has sealed the head of the audit trail.")
        head = chain.head((head.sequence, head.mac), (head.pruned_sequence, head.pruned_mac))
        work.audit.put_head(head)
        work.commit()
    return head


def get_head(*, uow: UnitOfWorkFactory) -> AuditHead | None:
    """Return how far the chain goes; ``None`` where nothing was sealed yet."""
    with uow() as work:
        return work.audit.head()


def check_trail(
    chains: Sequence[AuditChain],
    *,
    noted: tuple[int, bytes] | None = None,
    uow: UnitOfWorkFactory,
) -> AuditCheck:
    """Compute every code anew; tell of the first record that is not what was sealed.

    ``chains`` are that of the present secret key and those of former ones. ``noted`` is a head
    from elsewhere, which a trail that was cut off or written anew as a whole does not lead to.
    """
    sound, fault = 0, None
    with uow() as work:
        work.audit.hold_still()  # else what is sealed meanwhile would stand behind the head
        head = work.audit.head()
        waiting = len(work.audit.unsealed_ids(limit=_AT_ONCE, aside=True))
        try:
            for sound in _sound_records(work, chains, head, noted):  # noqa: B007 - the last counts
                pass
        except _BrokenError as broken:
            sound, fault = broken.sound, broken.fault
    return AuditCheck(sound, waiting, head, fault)


class _BrokenError(Exception):
    def __init__(self, sound: int, sequence: int, what: str) -> None:
        super().__init__(what)
        self.sound = sound
        self.fault = AuditFault(sequence, what)


def _sound_records(
    work: UnitOfWork,
    chains: Sequence[AuditChain],
    head: AuditHead | None,
    noted: tuple[int, bytes] | None,
) -> Iterator[int]:
    """Yield how many records are sound, one after the other. Raises: _BrokenError."""
    last, sound = START, 0
    if head is not None:
        if not any(chain.sealed(head) for chain in chains):
            raise _BrokenError(0, 0, "The trail has a head that none of these keys has sealed.")
        last = head.pruned_sequence, head.pruned_mac
    _compare(noted, last, sound)
    while records := work.audit.chain(after=last[0], limit=_AT_ONCE):
        for record in records:
            sequence, _ = place = _place(record)
            if sequence != last[0] + 1:
                raise _BrokenError(sound, last[0] + 1, f"Record {last[0] + 1} is missing.")
            if not _follows(record, last, chains):
                raise _BrokenError(sound, sequence, f"Record {sequence} was changed or moved.")
            last, sound = place, sound + 1
            _compare(noted, last, sound)
            if head is None or sequence > head.sequence:
                raise _BrokenError(sound, sequence, f"Record {sequence} stands behind the head.")
            yield sound
    end = START if head is None else (head.sequence, head.mac)
    if last != end:
        gone = last[0] + 1
        raise _BrokenError(sound, gone, f"The records from {gone} to {end[0]} are missing.")
    if noted is not None and noted[0] > last[0]:
        gone = last[0] + 1
        raise _BrokenError(
            sound, gone, f"The records from {gone} to the noted {noted[0]} are missing."
        )


def _compare(noted: tuple[int, bytes] | None, place: tuple[int, bytes], sound: int) -> None:
    if noted is not None and noted[0] == place[0] and noted[1] != place[1]:
        raise _BrokenError(sound, place[0], f"Record {place[0]} is not the one that was noted.")


def _locked_head(work: UnitOfWork, chain: AuditChain) -> AuditHead | None:
    """Return the head, unless it is not this key's: one put there by another would become good."""
    head = work.audit.lock_head(chain.head(START, START))
    if chain.sealed(head):
        return head
    _LOG.error(
        'the head of the audit trail is not of this secret key; see "audit verify", "audit rekey"',
        extra=_REFUSED,
    )
    return None


def _follows(record: AuditRecord, last: tuple[int, bytes], chains: Sequence[AuditChain]) -> bool:
    """Tell whether a record is the one that was sealed behind ``last``, with one of the keys."""
    sequence, mac = _place(record)
    return sequence == last[0] + 1 and any(
        chain.link(last[1], sequence, record) == mac for chain in chains
    )


def _place(record: AuditRecord) -> tuple[int, bytes]:
    if record.sequence is None or record.mac is None:
        raise ValueError("The record is not sealed.")
    return record.sequence, record.mac
