"""T22: what is held is not erased.

Each way tries to erase Ann, whose face is held; those of CompreFace's API come first.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import false, text

from app.domain.errors import LegalHoldError
from app.services.access.tenants import delete_tenant
from tests.chaos.door import Door
from tests.chaos.walls import without_walls


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

    patch.setattr("app.services.people.faces.require_unheld", asked)
    door.v1("DELETE", f"{door.home}/faces/{door.ids['face']}")
    return door.ask(_ANN) == 1


def test_what_is_held_survives_every_way_of_deleting(empty_world, size, finding):
    rounds = size(small=1, fast=2, full=10)
    erased = [found for _ in range(rounds) for found in _erased(empty_world, _WAYS_OUT)]
    with pytest.MonkeyPatch.context() as patch:
        kept = [_held_while_it_is_deleted(empty_world, patch) for _ in range(5 * rounds)]
    n = rounds * 2 * len(_WAYS_OUT)
    with without_walls(empty_world) as patch:
        for module in (
            "access.tenants",
            "people.collections",
            "people.consent_rules",
            "people.faces",
            "people.subjects",
        ):
            for check in ("require_unheld", "require_nothing_held", "require_no_tenant_hold"):
                patch.setattr(f"app.services.{module}.{check}", lambda *_: None, raising=False)
        patch.setattr("app.services.people.consent_rules.is_held", lambda *_: False)
        for repository in ("erasure.repository", "people.consents"):
            patch.setattr(f"app.storage.{repository}.held", lambda *_: false())
        naive = _erased(empty_world, _BESIDE_THE_ROUTES, kinds=[False])
        naive_kept = _held_while_it_is_deleted(empty_world, patch)
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


def test_the_holder_is_named_and_the_hold_ends(empty_world):
    door = _held(empty_world, whole=False)
    hold = door.v1("GET", door.hold_path).json
    assert UUID(hold["placed_by"])
    assert door.v1("DELETE", door.hold_path).status_code == 204
    assert door.v1("DELETE", f"{door.home}/subjects/Ann").status_code == 202
