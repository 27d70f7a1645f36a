from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.domain.access import ApiKey, Scope
from app.domain.audit import Actor, ActorKind
from app.domain.caller import Caller

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(scope=Scope.WRITE, **given):
    return ApiKey(
        id=uuid4(),
        tenant_id=uuid4(),
        name="a",
        public_id="a",
        secret_hash=b"",
        scope=scope,
        created_at=NOW,
        **given,
    )


def test_the_holder_of_a_key_may_what_the_key_may():
    bound = key(collection_id=uuid4())
    assert Caller.of_key(bound) == Caller(
        actor=Actor(ActorKind.KEY, bound.id),
        tenant_id=bound.tenant_id,
        scope=Scope.WRITE,
        collection_id=bound.collection_id,
    )


def test_only_an_admin_of_all_collections_sees_what_is_not_its_own():
    admin = Caller.of_key(key(Scope.ADMIN))
    bound = Caller.of_key(key(Scope.ADMIN, collection_id=uuid4()))
    writer = Caller.of_key(key())
    assert admin.owner_filter is None
    assert bound.owner_filter == bound.actor.id
    assert writer.owner_filter == writer.actor.id


def test_what_is_done_on_behalf_of_somebody_is_theirs():
    tenant_id, service_id = uuid4(), uuid4()
    caller = Caller.of_command_line(tenant_id, on_behalf_of=service_id)
    assert caller.owner_id == caller.require_owner_id() == service_id
    assert caller.actor == Actor(ActorKind.COMMAND_LINE)


def test_a_caller_without_an_id_owns_nothing():
    caller = Caller.of_command_line(uuid4())
    assert caller.owner_id is None
    with pytest.raises(ValueError, match="on whose behalf"):
        caller.require_owner_id()
