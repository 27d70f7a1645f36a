"""T22: no vector without a consent where it is required, and what is held is not erased."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import false, text

from app.domain.errors import LegalHoldError
from app.services.tenants import delete_tenant
from app.storage.collections import SqlCollectionRepository
from tests.chaos.door import Door
from tests.chaos.tenant_world import new_world

_STATED = {"consent_purpose": "door", "consent_text_version": "1"}
_UNCOVERED = """
SELECT count(*) FROM faces f WHERE collection_id = :home AND NOT EXISTS (
    SELECT FROM consents c WHERE c.subject_id = f.subject_id AND withdrawn_at IS NULL
        AND (expires_at IS NULL OR expires_at > cast('{now}' AS timestamptz))
)
"""
_TRIGGERS = {
    "refuse_without_consent_on_insert": "faces",
    "refuse_without_consent_on_update": "faces",
    "refuse_moving_held": "faces",
    "refuse_erasing_held": "faces",
}


@pytest.fixture
def world(database_server):
    with new_world(database_server, pool_size=6) as world:
        yield world


@contextmanager
def _without_walls(world):
    """Take away what the database refuses by itself."""
    with world.owner.uow() as work:
        for trigger, table in _TRIGGERS.items():
            work._session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
        work._session.execute(text("ALTER TABLE subjects DISABLE TRIGGER refuse_erasing_held"))
        for column, parent in (("collection_id", "collections"), ("subject_id", "subjects")):
            name = f"fk_legal_holds_{column}"
            work._session.execute(text(f"ALTER TABLE legal_holds DROP CONSTRAINT {name}"))
            work._session.execute(
                text(
                    f"ALTER TABLE legal_holds ADD CONSTRAINT {name} FOREIGN KEY ({column})"
                    f" REFERENCES {parent} (id) ON DELETE CASCADE"
                )
            )
        work.commit()
    with pytest.MonkeyPatch.context() as patch:
        yield patch


# Consents: each way tries to store faces that must not be there, and returns how often it tried.


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
        work.jobs.release(lost, publish_at=door.owner.clock.now())
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


def test_no_vector_without_consent(world, size, finding):
    rounds, races = size(small=1, fast=5, full=20), size(small=4, fast=25, full=100)
    entered = [_enter(world) for _ in range(rounds)]
    survived = sum(_race(world) for _ in range(races))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlCollectionRepository, "hold", SqlCollectionRepository.get)
        patch.setattr(SqlCollectionRepository, "hold_alone", SqlCollectionRepository.get)
        unlocked = sum(_race(world) for _ in range(races))
    with _without_walls(world) as patch:
        patch.setattr("app.services.enrol.admitted_terms", lambda *_, **__: None)
        naive_n, naive = _enter(world)
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


# Holds: each way tries to erase Ann, whose face is held. Ways of CompreFace's API come first.


def _compat(method, path, **options):
    return lambda door: door.compat(method, f"/api/v1/{path}".format(**door.ids), **options)


def _v1(method, path, **options):
    return lambda door: door.v1(method, f"{door.home}{path}".format(**door.ids), **options)


def _admin(path):
    return lambda door: door.v1("DELETE", path.format(**door.ids))


def _all_examples(door):
    return door.compat("POST", "/api/v1/recognition/faces/delete", json=[door.ids["face"]])


def _tenant(door):
    try:
        delete_tenant(door.name, receipts=door.owner.receipts, uow=door.owner.uow)
    except LegalHoldError as refusal:
        return refusal


def _retention(door):
    door.owner.clock.advance(timedelta(days=31))
    door.sweep()


def _withdrawal(door):
    door.withdraw(door.ids["consent"])
    door.sweep()


def _expiry(door):
    door.owner.clock.advance(timedelta(days=61))
    door.sweep()


def _by_hand(statement):
    """What the web process could do to the tables if it forgot to ask."""

    def way(door):
        try:
            with door.web.uow(door.tenant.id) as work:
                work._session.execute(text(statement))
                work.commit()
        except LegalHoldError as refusal:
            return refusal

    return way


_WAYS_OUT = {
    "subject of CompreFace's API": _compat("DELETE", "recognition/subjects/Ann"),
    "all its subjects": _compat("DELETE", "recognition/subjects"),
    "all its examples": _compat("DELETE", "recognition/faces"),
    "its examples of one": _compat("DELETE", "recognition/faces?subject=Ann"),
    "one of its examples": _compat("DELETE", "recognition/faces/{face}"),
    "a list of its examples": _all_examples,
    "examples of one, as of 0.3": _compat("DELETE", "faces?subject=Ann"),
    "one example, as of 0.3": _compat("DELETE", "faces/{face}"),
    "all examples, as of 0.3": _compat("DELETE", "faces"),
    "a merge": _compat("PUT", "recognition/subjects/Ann", json={"subject": "Bob"}),
    "its service": _admin("/admin/app/{app}/model/{model}"),
    "its application": _admin("/admin/app/{app}"),
    "its tenant": _tenant,
    "retention": _retention,
    "the withdrawal of a consent": _withdrawal,
    "the expiry of a consent": _expiry,
    "the face": _v1("DELETE", "/faces/{face}"),
    "the subject": _v1("DELETE", "/subjects/Ann"),
    "the collection": _v1("DELETE", ""),
    "another name": _v1("PATCH", "/faces/{face}", json={"subject": "Bob"}),
    **{
        statement: _by_hand(statement)
        for statement in (
            "DELETE FROM faces",
            "DELETE FROM subjects",
            "DELETE FROM collections",
            "UPDATE faces SET subject_id = NULL",
        )
    },
}
#: Those that have no route of our API in front of them, nor the database alone behind them.
_BESIDE_THE_ROUTES = list(_WAYS_OUT)[:16]

_ANN = """
SELECT count(*) FROM faces f JOIN subjects s ON s.id = f.subject_id JOIN images i ON i.id = image_id
WHERE f.collection_id = :home AND s.name = 'Ann'
"""


def _held(world, *, whole):
    """Hold Ann, with a face, a photograph and a consent, or the whole collection."""
    door = Door(world)
    door.v1("PATCH", door.home, json={"retention_days": 30})
    end = (door.owner.clock.now() + timedelta(days=60)).isoformat()
    consent = door.agree("Ann", expires_at=end)
    door.agree("Bob")
    door.raw(subject="Ann")
    door.work()
    [face] = door.v1("GET", f"{door.home}/faces").json["items"]
    door.ids = {
        "face": face["id"],
        "consent": consent,
        "app": door.service.application_id,
        "model": door.service.id,
    }
    door.hold_path = f"{door.home}{'' if whole else '/subjects/Ann'}/legal-hold"
    door.hold()
    return door


def _erased(world, ways, *, kinds=(False, True)):
    """Return those of the ways that erased somebody who was held."""
    erased = []
    for name in ways:
        for whole in kinds:
            door = _held(world, whole=whole)
            _WAYS_OUT[name](door)
            if door.ask(_ANN) != 1:
                erased.append((name, whole))
    return erased


def _held_while_it_is_deleted(world, patch):
    """Place the hold when the deletion has asked and not yet deleted; return how it ended.

    The promise: what is there when the hold is answered is there afterwards.
    """
    door = _held(world, whole=False)
    door.v1("DELETE", door.hold_path)

    def asked(*_):
        holder = threading.Thread(target=door.hold)
        holder.start()
        holder.join()

    patch.setattr("app.services.faces.require_unheld", asked)
    door.v1("DELETE", f"{door.home}/faces/{door.ids['face']}")
    return door.ask(_ANN) == 1


def test_what_is_held_survives_every_way_of_deleting(world, size, finding):
    rounds = size(small=1, fast=3, full=10)
    erased = [found for _ in range(rounds) for found in _erased(world, _WAYS_OUT)]
    with pytest.MonkeyPatch.context() as patch:
        kept = [_held_while_it_is_deleted(world, patch) for _ in range(5 * rounds)]
    n = rounds * 2 * len(_WAYS_OUT)
    with _without_walls(world) as patch:
        for module in ("examples", "applications", "tenants", "faces", "consent_rules"):
            for check in ("require_unheld", "require_nothing_held", "require_no_tenant_hold"):
                patch.setattr(f"app.services.{module}.{check}", lambda *_: None, raising=False)
        patch.setattr("app.services.consent_rules.is_held", lambda *_: False)
        for repository in ("erasing", "consents"):
            patch.setattr(f"app.storage.{repository}.held", lambda *_: false())
        naive = _erased(world, _BESIDE_THE_ROUTES, kinds=[False])
        naive_kept = _held_while_it_is_deleted(world, patch)
    finding(
        test="T22",
        promise="What is held survives every way of deleting",
        n=n + len(kept),
        figure=f"{len(erased)} erased by {len(_WAYS_OUT)} ways, of holds on a subject and on a"
        f" collection; {kept.count(False)} of {len(kept)} erased by a deletion that had begun",
        passed=not erased and all(kept),
        naive=f"asked in the routes of our API alone: {len(naive)} of"
        f" {len(_BESIDE_THE_ROUTES)} erased by others, and"
        f" {'none' if naive_kept else 'one'} by a deletion that had begun",
        naive_failed=bool(naive) and not naive_kept,
    )


def test_the_holder_is_named_and_the_hold_ends(world):
    door = _held(world, whole=False)
    hold = door.v1("GET", door.hold_path).json
    assert UUID(hold["placed_by"])
    assert door.v1("DELETE", door.hold_path).status_code == 204
    assert door.v1("DELETE", f"{door.home}/subjects/Ann").status_code == 202
