"""T22: no vector without a consent where it is required.

Each way tries to store faces that must not be there, and returns how often it tried.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from app.storage.people.collections import SqlCollectionRepository
from tests.chaos.door import Door
from tests.chaos.walls import without_walls

_STATED = {"consent_purpose": "door", "consent_text_version": "1"}
_UNCOVERED = """
SELECT count(*) FROM faces f WHERE collection_id = :home AND NOT EXISTS (
    SELECT FROM consents c WHERE c.subject_id = f.subject_id AND withdrawn_at IS NULL
        AND (expires_at IS NULL OR expires_at > cast('{now}' AS timestamptz))
)
"""


def _sent_without_any(door):
    door.agree("Eve")
    tries = [
        partial(send, **whom)
        for send in (door.raw, door.form, door.json)
        for whom in ({"subject": "Ann"}, {}, {"not_subject": "Eve"})
    ]
    tries += [
        partial(door.form, photographs=3, subject="Ann"),
        partial(door.json, photographs=3, subject="Ann"),
        partial(door.example, "Ann"),
        partial(door.example, "Ann", "/api/v1/faces"),
    ]
    for one in tries:
        one()
    door.work()
    return len(tries)


def _queued_at_the_withdrawal(door):
    consent = door.agree("Ann")
    sends = (door.raw, door.form, door.json)
    for send in sends:
        send(subject="Ann")
        send(subject="Ann", **_STATED)
    door.form(photographs=3, subject="Ann")
    door.example("ann")
    door.withdraw(consent)
    door.work()
    return 2 * len(sends) + 2


def _repeated_after_the_withdrawal(door):
    """Under its key the same submit is the same job, whatever has happened since."""
    consent, key = door.agree("Ann"), f'"{uuid4()}"'
    first = door.raw(key=key, subject="Ann", **_STATED)
    door.withdraw(consent)
    again = door.raw(key=key, subject="Ann", **_STATED)
    assert again.json["id"] == first.json["id"]
    door.work()
    return 2


def _tried_again_after_the_withdrawal(door):
    """The first worker was lost; the second one comes after the withdrawal."""
    consent = door.agree("Ann")
    door.raw(subject="Ann")
    [(lost, images)] = door.claim()
    with door.owner.uow() as work:
        work.jobs.retry(lost, publish_at=door.owner.clock.now())
        work.commit()
    door.withdraw(consent)
    door.work()
    door.finish(lost, images)
    return 2


def _expired_in_the_queue(door):
    end = (door.owner.clock.now() + timedelta(days=1)).isoformat()
    door.agree("Ann", expires_at=end)
    door.raw(subject="Ann")
    door.raw(subject="Bob", consent_expires_at=end, **_STATED)
    door.owner.clock.advance(timedelta(days=1, seconds=1))
    door.work()
    return 2


def _given_to_somebody_else(door):
    """A face of whoever has agreed is said to show somebody who has not, or nobody."""
    door.agree("Ann")
    door.raw(subject="Ann")
    door.work()
    [face] = door.v1("GET", f"{door.home}/faces").json["items"]
    for subject in ("Bob", None):
        door.v1("PATCH", f"{door.home}/faces/{face['id']}", json={"subject": subject})
    return 2


_WAYS_IN = (
    _sent_without_any,
    _queued_at_the_withdrawal,
    _repeated_after_the_withdrawal,
    _tried_again_after_the_withdrawal,
    _expired_in_the_queue,
    _given_to_somebody_else,
)


def _strict(world):
    door = Door(world)
    assert door.v1("PATCH", door.home, json={"require_consent": True}).status_code == 200
    return door


def _uncovered(door):
    return door.ask(_UNCOVERED.format(now=door.owner.clock.now().isoformat()))


def _race(world):
    """A withdrawal comes when the worker has written and not yet committed.

    Returns how many faces are there once both have ended.
    """
    door, written, over = _strict(world), threading.Event(), threading.Event()
    consent = door.agree("Ann")
    door.raw(subject="Ann")
    [(claim, images)] = door.claim()

    def pause():
        written.set()
        over.wait(0.3)  # the withdrawal is answered by then, unless it waits for this commit

    finish = partial(door.finish, claim, images, before_commit=pause)
    worker = threading.Thread(target=finish)
    worker.start()
    written.wait(10)
    door.withdraw(consent)
    over.set()
    worker.join()
    return _uncovered(door)


def _enter(world):
    """Try every way in; return how many tries there were, and the faces without consent."""
    n = faces = 0
    for way in _WAYS_IN:
        door = _strict(world)
        n += way(door)
        faces += _uncovered(door)
    return n, faces


def test_no_vector_without_consent(empty_world, size, finding):
    rounds, races = size(small=1, fast=3, full=20), size(small=4, fast=20, full=100)
    entered = [_enter(empty_world) for _ in range(rounds)]
    survived = sum(_race(empty_world) for _ in range(races))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlCollectionRepository, "lock", SqlCollectionRepository.get)
        patch.setattr(SqlCollectionRepository, "lock_alone", SqlCollectionRepository.get)
        unlocked = sum(_race(empty_world) for _ in range(races))
    with without_walls(empty_world) as patch:
        patch.setattr("app.services.recognition.enrol.admitted_terms", lambda *_, **__: None)
        naive_n, naive = _enter(empty_world)
    tries, faces = (sum(column) for column in zip(*entered, strict=True))
    finding(
        test="T22",
        promise="No vector without consent where it is required",
        n=tries + races,
        figure=f"{faces} faces stored in {tries} tries by {len(_WAYS_IN)} ways, {survived} left by"
        f" {races} withdrawals during an enrolment",
        passed=not faces and not survived,
        naive=f"asked at the submit alone: {naive} faces in {naive_n} tries; asked by the worker"
        f" without a lock: {unlocked} left by {races} withdrawals",
        naive_failed=bool(naive and unlocked),
    )
