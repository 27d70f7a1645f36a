from __future__ import annotations

from app.domain.audit import Action, Actor, ActorKind, Verdict
from app.domain.identity import new_id
from app.domain.tenant import DEFAULT_TENANT_ID


def _page(work, **changes):
    return work.audit.page(
        **{"action": None, "target_id": None, "before": None, "limit": 9} | changes
    )


def test_a_record_says_who_did_what_to_what(stored, found):
    endpoint_id = new_id()
    stored(lambda work: work.audit.record(Action.CHANGE_ENDPOINT, endpoint_id, enabled=False))
    [record] = found(_page)
    assert record.action == Action.CHANGE_ENDPOINT
    assert (record.target_kind, record.target_id) == ("endpoint", endpoint_id)
    assert (record.verdict, dict(record.details)) == (Verdict.DONE, {"enabled": False})
    assert record.tenant_id == DEFAULT_TENANT_ID
    assert record.actor == Actor(ActorKind.COMMAND_LINE)


def test_records_come_newest_first_and_by_what_is_asked_for(stored, found):
    first, second = new_id(), new_id()
    for action, target in (
        (Action.CREATE_ENDPOINT, first),
        (Action.CREATE_ENDPOINT, second),
        (Action.TEST_ENDPOINT, first),
    ):
        stored(lambda work, what=(action, target): work.audit.record(*what))

    def page(**changes):
        return found(lambda work: _page(work, **changes))

    everything = page()
    assert [one.action for one in everything] == [
        Action.TEST_ENDPOINT,
        Action.CREATE_ENDPOINT,
        Action.CREATE_ENDPOINT,
    ]
    assert page(limit=1) == everything[:1]
    assert page(before=everything[0].id) == everything[1:]
    assert page(target_id=second) == everything[1:2]
    assert page(action=Action.CREATE_ENDPOINT) == everything[1:]


def test_what_is_not_committed_leaves_no_record(begin, found):
    with begin() as work:
        work.audit.record(Action.TEST_ENDPOINT, new_id())
    assert found(_page) == []
