"""One thing that fails in the background stops nothing else: each chore, with its own poison."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from factories import job_rules
from sqlalchemy import text

from app.domain.audit import Action, AuditChain
from app.domain.consent import Consent, ConsentTerms
from app.domain.delivery import Attempt, DeliveryState, Endpoint, EventType, generate_secret
from app.domain.errors import ServiceUnavailableError
from app.domain.identity import new_id
from app.domain.job import JobState, JobType
from app.domain.setback import Chore
from app.services.access.audit_trail import check_trail, seal_records
from app.services.isolation import apart, each
from app.services.webhooks.deliver import deliver, store_event
from tests.stored_jobs import claim_jobs, submit

RULES = job_rules()
CHAIN = AuditChain("k" * 32)
LEASE = timedelta(minutes=2)
#: What Postgres stores and Python does not know; no door takes it any more.
UNREADABLE = ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC", "9999-12-31 23:59:59-14"]


@pytest.fixture
def run_sql(engine):
    def run(statement, **values):
        with engine.begin() as connection:
            return connection.execute(text(statement), values)

    return run


@pytest.fixture
def refuse(run_sql):
    """Return a function that makes the database refuse to change one row."""

    def run(table, row_id, *, on="UPDATE OR DELETE"):
        run_sql(
            f"""
            CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'no'; END $$;
            CREATE TRIGGER refuse BEFORE {on} ON {table} FOR EACH ROW
                WHEN (OLD.id = '{row_id}') EXECUTE FUNCTION refuse_{table}();
            """
        )

    def end(table):
        run_sql(f"DROP TRIGGER refuse ON {table}")

    run.end = end
    return run


@pytest.fixture
def set_aside(run_sql):
    """Return a function that reads what is set aside as (chore, item)."""

    def read():
        return sorted((row.chore, row.item) for row in run_sql("SELECT chore, item FROM setbacks"))

    return read


@pytest.fixture
def waited_out(run_sql):
    """Return a function that lets what is set aside be tried again."""
    return lambda: run_sql("UPDATE setbacks SET retry_at = now() - interval '1 second'")


def state_of(uow, job):
    with uow() as work:
        found = work.jobs.get(job.id)
    return None if found is None else found.state


def test_a_lease_that_cannot_be_expired_keeps_no_other(uow, run_sql, run_sweep, set_aside):
    bad, *good = [submit(uow) for _ in range(4)]
    for job in (bad, *good):
        claim_jobs(uow, job, lease=timedelta(seconds=-1))
    run_sql("UPDATE jobs SET type = 'juggling' WHERE id = :id", id=bad.id)
    run_sweep()
    assert {state_of(uow, job) for job in good} == {JobState.QUEUED}
    assert set_aside() == [(Chore.LEASES, bad.id)]
    run_sweep()  # the next round leaves it out
    assert set_aside() == [(Chore.LEASES, bad.id)]


def test_a_job_that_cannot_be_given_up_or_put_again_keeps_no_other(
    uow, run_sql, run_sweep, set_aside, queue, clock
):
    bad, *good = [submit(uow) for _ in range(4)]
    run_sql("UPDATE jobs SET lane = 77 WHERE id = :id", id=bad.id)
    clock.moment += timedelta(minutes=5)
    run_sweep()
    assert set(queue.jobs) >= {(job.id, job.type) for job in good}
    assert set_aside() == [(Chore.MESSAGES, bad.id)]
    clock.moment += RULES.longest_wait
    run_sweep()
    assert {state_of(uow, job) for job in good} == {JobState.DEAD}
    assert set_aside() == [(Chore.MESSAGES, bad.id), (Chore.WAITS, bad.id)]


def test_a_job_that_cannot_be_deleted_keeps_no_other_and_is_tried_again(
    uow, run_sweep, set_aside, refuse, clock, waited_out
):
    bad, *good = [submit(uow) for _ in range(4)]
    with uow() as work:
        for job in (bad, *good):
            work.jobs.cancel(job.id, expires_at=clock.now())
        work.commit()
    refuse("jobs", bad.id, on="DELETE")
    clock.moment += timedelta(hours=1)
    run_sweep()
    assert [state_of(uow, job) for job in good] == [None] * 3
    assert set_aside() == [(Chore.JOBS, bad.id)]
    refuse.end("jobs")
    run_sweep()
    assert state_of(uow, bad) is JobState.CANCELLED
    waited_out()
    run_sweep()
    assert state_of(uow, bad) is None
    assert set_aside() == []


@pytest.fixture
def with_consents(uow, enrol, people, clock):
    """Three people with a face and a consent that has ended; returns their subjects by name."""
    subjects = {}
    for name, vector in zip(("Ann", "Bob", "Cleo"), people[:3], strict=True):
        job = enrol(name, vector)
        with uow() as work:
            subject = work.subjects.find(job.collection_id, name)
            terms = ConsentTerms(
                purpose="p", text_version="1", expires_at=clock.now() + timedelta(hours=1)
            )
            work.consents.add(
                Consent(id=new_id(), subject_id=subject.id, terms=terms, given_at=clock.now())
            )
            work.commit()
        subjects[name] = subject.id
    clock.moment += timedelta(hours=2)
    return subjects


def faces_of(uow, collection, subject_id):
    with uow() as work:
        return work.faces.page(collection.id, subject_id=subject_id, after=None, limit=9)


def test_somebody_whose_faces_cannot_be_erased_keeps_no_others(
    uow, collection, with_consents, run_sweep, refuse, set_aside
):
    [face] = faces_of(uow, collection, with_consents["Bob"])
    refuse("faces", face.id, on="DELETE")
    run_sweep()
    left = [name for name, one in with_consents.items() if faces_of(uow, collection, one)]
    assert left == ["Bob"]
    assert set_aside() == [(Chore.CONSENTS, with_consents["Bob"])]


@pytest.mark.parametrize("moment", UNREADABLE)
def test_a_consent_whose_times_cannot_be_read_stops_no_sweep(
    uow, collection, with_consents, run_sweep, run_sql, set_aside, moment
):
    run_sql(
        "UPDATE consents SET given_at = CAST(:at AS timestamptz), expires_at = "
        "CAST(:at AS timestamptz) WHERE subject_id = :id",
        at=moment,
        id=with_consents["Bob"],
    )
    run_sweep()
    left = [name for name, one in with_consents.items() if faces_of(uow, collection, one)]
    assert left in ([], ["Bob"])  # whose consent may last till the end of time
    assert set_aside() == []


def test_a_face_past_its_time_that_cannot_be_erased_keeps_no_other(
    uow, enrol, people, run_sweep, run_sql, refuse, set_aside, clock
):
    jobs = [enrol(name, vector) for name, vector in zip("abc", people[:3], strict=True)]
    ids = [job.result.face_ids[0] for job in jobs]
    run_sql("UPDATE faces SET expires_at = now()")
    refuse("faces", ids[1], on="DELETE")
    clock.moment += timedelta(hours=1)
    run_sweep()
    with uow() as work:
        assert [work.faces.get(face_id) is None for face_id in ids] == [True, False, True]
    assert set_aside() == [(Chore.FACES, ids[1])]


class FakeSender:
    def __init__(self, *, fails_for=()):
        self.sent, self.fails_for = [], fails_for

    def send(self, endpoint, delivery, *, at):
        if delivery.id in self.fails_for:
            raise ZeroDivisionError
        self.sent.append(delivery.id)
        return Attempt(delivery_id=delivery.id, number=delivery.attempt, at=at, status_code=200)


@pytest.fixture
def deliveries(uow, clock):
    """Four events for one endpoint."""
    endpoint = Endpoint(
        id=new_id(),
        url="https://hooks.example",
        secret=generate_secret(),
        signing_key=None,
        events=frozenset(EventType),
        owner_id=None,
        created_at=clock.now(),
    )
    with uow() as work:
        work.endpoints.add(endpoint)
        made = [
            store_event(work, endpoint, EventType.ENDPOINT_TEST, {}, at=clock.now()).id
            for _ in range(4)
        ]
        work.commit()
    return made


@pytest.fixture
def send_all(uow, queue, clock, run_sweep):
    """Return a function that does what the sweep and the senders do, until nothing is due."""

    def run(sender):
        parts = {"uow": uow, "sender": sender, "clock": clock, "lease": LEASE}
        for _ in range(4):
            run_sweep()
            put, queue.deliveries = queue.deliveries, []
            for delivery_id in put:
                deliver(delivery_id, **parts, jitter=lambda: 0.5)

    return run


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("kind", ["unreadable", "failing"])
def test_a_delivery_that_cannot_be_made_keeps_no_other(
    deliveries, run_sql, send_all, set_aside, place, kind
):
    bad = deliveries[place]
    sender = FakeSender(fails_for=[bad] if kind == "failing" else [])
    if kind == "unreadable":
        run_sql("UPDATE deliveries SET event = 'juggled' WHERE id = :id", id=bad)
    send_all(sender)
    assert sorted(sender.sent) == sorted(set(deliveries) - {bad})
    assert set_aside() == [(Chore.DELIVERIES, bad)]


def test_a_delivery_that_was_made_in_the_end_is_not_counted_any_more(
    uow, clock, deliveries, send_all, set_aside, waited_out
):
    send_all(FakeSender(fails_for=deliveries[:1]))
    assert set_aside() == [(Chore.DELIVERIES, deliveries[0])]
    waited_out()
    clock.moment += 2 * LEASE
    sender = FakeSender()
    send_all(sender)
    assert sender.sent == deliveries[:1]
    with uow() as work:
        assert work.deliveries.get(deliveries[0]).state is DeliveryState.DELIVERED
    assert set_aside() == []


def test_a_record_that_cannot_be_sealed_keeps_no_other(uow, run_sql, set_aside, waited_out):
    with uow() as work:
        for _ in range(3):
            work.audit.record(Action.CREATE_KEY, new_id())
        work.commit()
    bad = new_id()
    run_sql(
        "INSERT INTO audit_records (id, actor_kind, action, verdict, target_kind, details)"
        " VALUES (:id, 'ghost', 'key.create', 'done', 'key', '{}')",
        id=bad,
    )
    with uow() as work:
        work.audit.record(Action.CREATE_KEY, new_id())
        work.commit()
    assert seal_records(CHAIN, uow=uow).sequence == 4
    assert set_aside() == [(Chore.AUDIT, bad)]
    check = check_trail([CHAIN], uow=uow)
    assert (check.sound, check.unsealed, check.fault) == (4, 1, None)
    waited_out()
    assert seal_records(CHAIN, uow=uow) is None
    assert set_aside() == [(Chore.AUDIT, bad)]


def test_a_job_that_cannot_be_read_keeps_no_other_from_being_claimed(uow, run_sql):
    bad = submit(uow)
    good = submit(uow)
    run_sql(
        "UPDATE image_keys SET key = :key WHERE image_id IN (SELECT id FROM images"
        " WHERE job_id = :id)",
        key=bytes(32),
        id=bad.id,
    )
    assert [job.id for job, _ in claim_jobs(uow, companions=5)] == [good.id]
    assert state_of(uow, bad) is JobState.RUNNING  # until its lease lapses, as if it had been lost
    assert claim_jobs(uow, companions=5) == []


def test_a_chore_that_fails_as_a_whole_keeps_no_other(
    uow, queue, run_sql, run_sweep, set_aside, clock
):
    job = submit(uow)
    run_sql("ALTER TABLE consents RENAME TO mislaid")
    clock.moment += timedelta(minutes=5)
    run_sweep()
    assert queue.jobs == [(job.id, job.type)]
    assert set_aside() == [(Chore.CONSENTS, UUID(int=0))]
    run_sql("ALTER TABLE mislaid RENAME TO consents")
    run_sweep()
    assert set_aside() == []


def test_what_fails_again_is_left_out_for_longer_up_to_an_hour(uow, run_sql):
    waits = []
    for _ in range(10):
        with uow() as work:
            work.setbacks.add(Chore.JOBS, UUID(int=5), fault="ValueError")
            work.commit()
        row = run_sql(
            "SELECT failures, extract(epoch FROM retry_at - now()) AS wait, fault FROM setbacks"
        ).one()
        waits.append(round(float(row.wait)))
    assert (row.failures, row.fault) == (10, "ValueError")
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_what_nobody_tries_any_more_is_forgotten(uow, run_sql, run_sweep, set_aside):
    with uow() as work:
        work.setbacks.add(Chore.JOBS, UUID(int=5), fault="ValueError")
        work.commit()
    run_sweep()
    assert len(set_aside()) == 1
    run_sql("UPDATE setbacks SET retry_at = now() - interval '4 hours'")
    run_sweep()
    assert set_aside() == []


def test_an_outage_is_no_things_fault(uow, set_aside):
    def away(_):
        raise ServiceUnavailableError

    for items in ([UUID(int=1)], [UUID(int=1), UUID(int=2)]):
        with pytest.raises(ServiceUnavailableError):
            each(Chore.JOBS, items, away, uow=uow)
    with pytest.raises(ServiceUnavailableError), apart(Chore.SCRUB, uow=uow):
        raise ServiceUnavailableError
    assert set_aside() == []


def test_a_job_of_another_kind_is_not_touched_by_all_this(uow, run_sweep, set_aside):
    submit(uow, job_type=JobType.EMBEDDING)
    run_sweep()
    assert set_aside() == []
