from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from factories import caller

from app.domain.access import Scope
from app.domain.delivery import RETRY_DELAYS, DeliveryState, EventType
from app.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from app.domain.tenant import DEFAULT_TENANT_ID
from app.services.webhooks.deliver import deliver
from app.services.webhooks.endpoints import (
    create_endpoint,
    delete_endpoint,
    get_endpoint,
    list_attempts,
    list_deliveries,
    list_endpoints,
    redeliver,
    redeliver_range,
    rotate_secret,
    send_test_event,
    update_endpoint,
)
from tests.fakes import FakeClock, FakeJobQueue, FakeSender
from tests.fakes_work import FakeWork

OWNER, STRANGER = caller(scope=Scope.WRITE), caller(scope=Scope.WRITE)
ADMIN = caller()
URL = "https://hooks.example.com/a"


class World:
    def __init__(self) -> None:
        self.uow = FakeWork()
        self.clock = FakeClock()
        self.queue = FakeJobQueue()
        self.sender = FakeSender()

    def create(self, owner=OWNER, events=(EventType.JOB_FAILED,), url=URL):
        """Return a new endpoint as it is stored."""
        endpoint = create_endpoint(
            url=url,
            events=events,
            caller=owner,
            uow=self.uow,
            sender=self.sender,
            clock=self.clock,
        )
        return replace(endpoint, tenant_id=DEFAULT_TENANT_ID)

    def update(self, endpoint_id, owner=OWNER, **changes):
        return update_endpoint(
            endpoint_id, caller=owner, uow=self.uow, sender=self.sender, **changes
        )

    def test_event(self, endpoint_id, owner=OWNER):
        return send_test_event(
            endpoint_id, caller=owner, uow=self.uow, queue=self.queue, clock=self.clock
        )

    def deliver(self, delivery_id, *statuses):
        deliver(
            delivery_id,
            uow=self.uow,
            sender=FakeSender(*statuses),
            clock=self.clock,
            lease=timedelta(seconds=30),
            jitter=lambda: 0,
        )

    def redeliver(self, delivery_id, endpoint_id, owner=OWNER):
        return redeliver(
            delivery_id,
            endpoint_id=endpoint_id,
            caller=owner,
            uow=self.uow,
            queue=self.queue,
            clock=self.clock,
        )


@pytest.fixture
def world():
    return World()


def test_create_endpoint_stores_it_under_a_secret_of_its_own(world):
    first, second = world.create(), world.create()
    assert get_endpoint(first.id, caller=OWNER, uow=world.uow) == first
    assert first.secret != second.secret
    assert first.secret not in repr(first)


def test_create_endpoint_refuses_a_url_that_may_not_be_sent_to(world):
    world.sender.refused = {URL}
    with pytest.raises(InvalidRequestError):
        world.create()
    assert world.uow.endpoints.rows == {}


def test_create_endpoint_refuses_to_hear_of_nothing(world):
    with pytest.raises(InvalidRequestError, match="at least one event"):
        world.create(events=())


def test_endpoints_of_another_key_are_as_absent_as_those_that_do_not_exist(world):
    endpoint = world.create()
    delivery = world.test_event(endpoint.id)
    uow, clock, queue = world.uow, world.clock, world.queue

    def every_call(endpoint_id, owner):
        who = {"caller": owner, "uow": uow}
        one = {"endpoint_id": endpoint_id, **who}
        return [
            lambda: get_endpoint(endpoint_id, **who),
            lambda: world.update(endpoint_id, owner, enabled=False),
            lambda: delete_endpoint(endpoint_id, **who),
            lambda: rotate_secret(endpoint_id, sender=world.sender, clock=clock, **who),
            lambda: world.test_event(endpoint_id, owner),
            lambda: list_deliveries(endpoint_id, before=None, limit=10, **who),
            lambda: list_attempts(delivery.id, **one),
            lambda: redeliver(delivery.id, queue=queue, clock=clock, **one),
            lambda: redeliver_range(
                endpoint_id,
                since=clock.now(),
                until=None,
                states=DeliveryState,
                queue=queue,
                clock=clock,
                **who,
            ),
        ]

    for call in every_call(endpoint.id, STRANGER) + every_call(uuid4(), OWNER):
        with pytest.raises(NotFoundError) as failure:
            call()
        assert str(failure.value) == str(NotFoundError())
    assert list_endpoints(caller=STRANGER, after=None, limit=10, uow=uow) == []
    assert uow.endpoints.rows == {endpoint.id: endpoint}


def test_a_global_admin_sees_every_endpoint(world):
    endpoints = [world.create(), world.create(owner=STRANGER), world.create(owner=ADMIN)]
    found = list_endpoints(caller=ADMIN, after=None, limit=10, uow=world.uow)
    assert {one.id for one in found} == {one.id for one in endpoints}
    assert get_endpoint(endpoints[1].id, caller=ADMIN, uow=world.uow) == endpoints[1]


def test_list_endpoints_goes_on_after_the_given_one(world):
    endpoints = sorted((world.create() for _ in range(3)), key=lambda one: one.id)
    page = list_endpoints(caller=OWNER, after=endpoints[0].id, limit=1, uow=world.uow)
    assert page == [endpoints[1]]


def test_update_endpoint_changes_only_what_is_given(world):
    endpoint = world.create()
    world.update(endpoint.id, events=[EventType.JOB_DEAD])
    changed = world.update(endpoint.id, url="https://hooks.example.com/b")
    assert changed.events == {EventType.JOB_DEAD}
    assert changed.url == "https://hooks.example.com/b"
    assert (changed.secret, changed.enabled) == (endpoint.secret, True)
    assert get_endpoint(endpoint.id, caller=OWNER, uow=world.uow) == changed


def test_update_endpoint_refuses_a_url_that_may_not_be_sent_to(world):
    endpoint = world.create()
    world.sender.refused = {"https://10.0.0.1/"}
    with pytest.raises(InvalidRequestError):
        world.update(endpoint.id, url="https://10.0.0.1/", events=[EventType.JOB_DEAD])
    assert get_endpoint(endpoint.id, caller=OWNER, uow=world.uow) == endpoint


def test_update_endpoint_enables_an_endpoint_without_its_earlier_failures(world):
    endpoint = world.create()
    world.deliver(world.test_event(endpoint.id).id, 410)
    enabled = world.update(endpoint.id, enabled=True)
    assert enabled.enabled
    assert (enabled.disabled_reason, enabled.failing_since) == (None, None)


def test_delete_endpoint_removes_it(world):
    endpoint = world.create()
    delete_endpoint(endpoint.id, caller=OWNER, uow=world.uow)
    assert world.uow.endpoints.rows == {}


def test_rotate_secret_lets_the_old_one_sign_until_its_time_is_up(world):
    old = world.create()
    new = rotate_secret(old.id, caller=OWNER, uow=world.uow, sender=world.sender, clock=world.clock)
    assert new.secret != old.secret
    assert new.public_key != old.public_key
    end = world.clock.now() + timedelta(hours=24)
    both = (new.secret, new.signing_key, old.secret, old.signing_key)
    assert new.signing_secrets(world.clock.now()) == both
    assert new.signing_secrets(end - timedelta(seconds=1)) == both
    assert new.signing_secrets(end) == both[:2]


def test_send_test_event_reaches_an_endpoint_that_hears_of_other_events(world):
    endpoint = world.create()
    delivery = world.test_event(endpoint.id)
    assert delivery.event is EventType.ENDPOINT_TEST
    assert world.queue.deliveries == [delivery.id]
    assert world.uow.deliveries.due(now=world.clock.now(), limit=10) == [delivery.id]


def test_send_test_event_refuses_a_disabled_endpoint(world):
    endpoint = world.create()
    world.update(endpoint.id, enabled=False)
    with pytest.raises(ConflictError):
        world.test_event(endpoint.id)


def test_redeliver_sends_again_under_the_same_id_with_new_times_and_the_whole_schedule(world):
    endpoint = world.create()
    delivery = world.test_event(endpoint.id)
    world.deliver(delivery.id, 200)
    world.clock.advance(timedelta(days=1))
    again = world.redeliver(delivery.id, endpoint.id)
    assert (again.id, again.state) == (delivery.id, DeliveryState.PENDING)
    assert again.next_attempt_at == world.clock.now()
    assert world.queue.deliveries == [delivery.id, delivery.id]
    for wait in RETRY_DELAYS:
        world.deliver(delivery.id, 500)
        assert world.uow.deliveries.get(delivery.id).state is DeliveryState.PENDING
        world.clock.advance(wait)
    world.deliver(delivery.id, 200)
    attempts = list_attempts(delivery.id, endpoint_id=endpoint.id, caller=OWNER, uow=world.uow)
    assert [one.number for one in attempts] == list(range(1, 12))
    assert world.uow.deliveries.get(delivery.id).state is DeliveryState.DELIVERED


def test_redeliver_refuses_a_disabled_endpoint_and_the_delivery_of_another(world):
    endpoint, other = world.create(), world.create()
    delivery = world.test_event(endpoint.id)
    with pytest.raises(NotFoundError):
        world.redeliver(delivery.id, other.id)
    world.update(endpoint.id, enabled=False)
    with pytest.raises(ConflictError):
        world.redeliver(delivery.id, endpoint.id)


def test_list_deliveries_pages_from_the_newest(world):
    endpoint = world.create()
    made = []
    for _ in range(3):
        made.append(world.test_event(endpoint.id))
        world.clock.advance(timedelta(seconds=1))
    page = list_deliveries(
        endpoint.id,
        caller=OWNER,
        before=(made[2].created_at, made[2].id),
        limit=1,
        uow=world.uow,
    )
    assert [one.id for one in page] == [made[1].id]


def test_redeliver_range_sends_again_what_failed_since(world):
    endpoint = world.create()
    start = world.clock.now()
    chosen = []
    for status in (410, 200, 410, 410):
        world.update(endpoint.id, enabled=True)
        delivery = world.test_event(endpoint.id)
        world.deliver(delivery.id, status)
        chosen.append(delivery.id)
        world.clock.advance(timedelta(hours=1))
    world.update(endpoint.id, enabled=True)
    count = redeliver_range(
        endpoint.id,
        caller=OWNER,
        since=start,
        until=start + timedelta(hours=3),
        states=[DeliveryState.FAILED],
        uow=world.uow,
        queue=world.queue,
        clock=world.clock,
    )
    assert count == 2
    states = [world.uow.deliveries.get(one).state for one in chosen]
    assert states == ["pending", "delivered", "pending", "failed"]
    assert world.queue.deliveries[-2:] == [chosen[0], chosen[2]]
