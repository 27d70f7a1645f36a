"""The audit trail: what seals it, what shortens it, and what a check of it tells."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from factories import caller
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.domain.audit import Action, AuditChain
from app.domain.errors import ConflictError
from app.services.access.audit_trail import (
    check_trail,
    get_head,
    list_records,
    prune_records,
    record_action,
    reseal_head,
    seal_records,
)

CALLER = caller()
CHAIN = AuditChain("k" * 32)


@pytest.fixture
def act(uow):
    """Leave so many records."""

    def record(count):
        for _ in range(count):
            record_action(Action.DELETE_FACE, uuid4(), uow=uow)

    return record


@pytest.fixture
def aged(engine, act):
    """Leave records of three years ago."""

    def record(count):
        act(count)
        with engine.begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(
                text("UPDATE audit_records SET at = at - interval '3 years' WHERE sequence IS NULL")
            )
            connection.execute(text("SET session_replication_role = DEFAULT"))

    return record


def _check(uow, *chains, noted=None):
    return check_trail(chains or [CHAIN], noted=noted, uow=uow)


def test_records_get_consecutive_places_in_the_order_of_their_making(act, uow):
    act(3)
    seal_records(CHAIN, uow=uow)
    act(2)
    seal_records(CHAIN, uow=uow)
    newest_first = list_records(before=None, limit=10, caller=CALLER, uow=uow)
    assert [record.sequence for record in newest_first] == [5, 4, 3, 2, 1]
    check = _check(uow)
    assert (check.sound, check.unsealed, check.fault) == (5, 0, None)


def test_an_action_that_is_rolled_back_leaves_no_record(uow):
    with uow() as work:
        work.audit.record(Action.DELETE_FACE, uuid4())
    assert list_records(before=None, limit=10, caller=CALLER, uow=uow) == []


def test_a_record_that_is_committed_late_stands_behind_those_sealed_before(act, uow):
    late = uow()
    with late as work:
        work.audit.record(Action.DELETE_FACE, uuid4())
        act(1)
        seal_records(CHAIN, uow=uow)
        work.commit()
    seal_records(CHAIN, uow=uow)
    assert [one.sequence for one in list_records(before=None, limit=9, caller=CALLER, uow=uow)] == [
        1,
        2,
    ]
    assert _check(uow).fault is None


def test_sealers_that_run_at_once_make_one_chain(act, uow):
    """Also the first time, when there is no head to take turns at."""
    act(40)

    def seal():
        for _ in range(5):
            seal_records(CHAIN, uow=uow)

    sealers = [threading.Thread(target=seal) for _ in range(4)]
    for sealer in sealers:
        sealer.start()
    act(40)
    for sealer in sealers:
        sealer.join()
    seal_records(CHAIN, uow=uow)
    check = _check(uow)
    assert (check.sound, check.fault) == (80, None)


def test_the_first_sealing_tells_the_log_where_the_trail_stands(act, uow, caplog):
    act(1)
    with caplog.at_level(logging.INFO):
        head = seal_records(CHAIN, uow=uow)
    assert [record.head for record in caplog.records if hasattr(record, "head")] == [str(head)]


def test_what_is_sealed_during_a_check_does_not_disturb_it(act, uow):
    act(3)
    seal_records(CHAIN, uow=uow)

    def disturbed():
        work = uow()
        read = work.audit.chain

        def chain(**where):
            act(2)
            seal_records(CHAIN, uow=uow)
            return read(**where)

        work.audit.chain = chain
        return work

    check = _check(disturbed)
    assert (check.sound, check.fault) == (3, None)


def test_a_trail_without_records_is_sound(uow):
    check = _check(uow)
    assert (check.sound, check.head, check.fault) == (0, None, None)


def test_old_records_go_and_the_rest_still_hangs_together(aged, act, uow, clock):
    aged(5)
    seal_records(CHAIN, uow=uow)
    before = get_head(uow=uow)
    act(3)
    seal_records(CHAIN, uow=uow)
    assert prune_records([CHAIN], keep=timedelta(days=730), uow=uow, clock=clock) == 5
    check = _check(uow, noted=(before.sequence, before.mac))
    assert (check.sound, check.fault) == (3, None)
    assert prune_records([CHAIN], keep=timedelta(days=730), uow=uow, clock=clock) == 0


def test_old_records_that_are_not_sealed_stay(aged, uow, clock):
    aged(2)
    assert prune_records([CHAIN], keep=timedelta(days=730), uow=uow, clock=clock) == 0
    assert len(list_records(before=None, limit=9, caller=CALLER, uow=uow)) == 2


def test_a_record_that_was_made_to_look_old_is_not_pruned(aged, act, engine, uow, clock, caplog):
    """Else a forger would let the sweep remove it, and seal that it is gone."""
    aged(1)
    act(2)
    seal_records(CHAIN, uow=uow)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("UPDATE audit_records SET at = at - interval '3 years'"))
        connection.execute(text("SET session_replication_role = DEFAULT"))
    assert prune_records([CHAIN], keep=timedelta(days=730), uow=uow, clock=clock) == 0
    assert "not what was sealed" in caplog.text
    assert _check(uow).fault.sequence == 1


def test_what_a_former_key_has_sealed_is_pruned_with_it(aged, uow, clock):
    former = AuditChain("the key until now")
    aged(2)
    seal_records(former, uow=uow)
    reseal_head(CHAIN, former, uow=uow)
    prune = partial(prune_records, keep=timedelta(days=730), uow=uow, clock=clock)
    assert prune([CHAIN]) == 0
    assert prune([CHAIN, former]) == 2
    assert _check(uow).fault is None


def test_records_of_the_last_month_cannot_be_pruned_whatever_the_head_says(act, uow, clock):
    act(2)
    seal_records(CHAIN, uow=uow)
    clock.moment = datetime.now(UTC) + timedelta(days=900)
    with pytest.raises(DBAPIError, match="only ever added to"):
        prune_records([CHAIN], keep=timedelta(days=730), uow=uow, clock=clock)
    assert _check(uow).sound == 2


def test_a_head_that_another_key_has_sealed_is_not_gone_on_with(act, uow, caplog):
    """Else a forged one would be made good by the next sealing."""
    act(1)
    seal_records(AuditChain("another key"), uow=uow)
    act(1)
    assert seal_records(CHAIN, uow=uow) is None
    assert "not of this secret key" in caplog.text
    check = _check(uow)
    assert (check.fault.sequence, check.unsealed) == (0, 1)


def test_a_trail_goes_on_under_a_new_key_when_told_so(act, uow):
    former = AuditChain("the key until now")
    act(2)
    seal_records(former, uow=uow)
    reseal_head(CHAIN, former, uow=uow)
    act(1)
    seal_records(CHAIN, uow=uow)
    assert _check(uow).fault is not None
    check = _check(uow, CHAIN, former)
    assert (check.sound, check.fault) == (3, None)


def test_a_head_of_neither_key_is_not_sealed_anew(act, uow):
    act(1)
    seal_records(AuditChain("a third key"), uow=uow)
    with pytest.raises(ConflictError):
        reseal_head(CHAIN, AuditChain("the key until now"), uow=uow)
