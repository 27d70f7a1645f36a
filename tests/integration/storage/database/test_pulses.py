from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.domain.identity import new_id
from app.domain.job import Job, JobState
from app.domain.job_parameters import DetectionParameters
from app.domain.pulse import Part
from app.storage.database.engine import build_probe_engine
from app.storage.database.health import check_database
from app.storage.database.pulses import PostgresPulses, pulse_ages_s
from app.storage.database.tenancy import DatabaseRole


class Monotonic:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def monotonic():
    return Monotonic()


@pytest.fixture
def pulses(engine, monotonic):
    return PostgresPulses(engine, interval_s=10, monotonic=monotonic)


def left_at(engine, part):
    with engine.connect() as connection:
        query = text("SELECT left_at FROM pulses WHERE part = :part")
        return connection.execute(query, {"part": part}).scalar()


def test_a_part_works_until_it_has_been_silent_for_too_long(engine, pulses):
    assert not check_database(engine, silence_s=30)["sweep"]
    pulses.leave(Part.SWEEP)
    assert check_database(engine, silence_s=30)["sweep"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE pulses SET left_at = left_at - interval '31 seconds'"))
    assert not check_database(engine, silence_s=30)["sweep"]


def test_signs_of_life_within_an_interval_cost_no_statement(engine, pulses, monotonic):
    pulses.leave(Part.INFERENCE)
    first = left_at(engine, Part.INFERENCE)
    monotonic.now += 9.9
    pulses.leave(Part.INFERENCE)
    assert left_at(engine, Part.INFERENCE) == first
    monotonic.now += 0.2
    pulses.leave(Part.INFERENCE)
    assert left_at(engine, Part.INFERENCE) > first


def test_parts_are_told_apart(engine, pulses):
    pulses.leave(Part.SWEEP)
    with engine.connect() as connection:
        assert set(pulse_ages_s(connection)) == {Part.SWEEP}
    assert not check_database(engine, silence_s=30)["inference"]


def test_a_database_that_takes_no_rows_is_not_writable(engine):
    url = engine.url.render_as_string(hide_password=False)
    assert check_database(engine, silence_s=30)["writable"]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM pulses"))
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    try:
        parts = check_database(build_probe_engine(url), silence_s=30)
    finally:
        with engine.connect() as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            connection.execute(text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'))
            connection.commit()
    assert (parts["database"], parts["migrations"], parts["writable"]) == (True, True, False)


def test_a_database_that_is_away_is_told_within_seconds():
    engine = build_probe_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    assert not any(check_database(engine, silence_s=30).values())


def test_weights_are_well_unless_a_process_refuses_them(engine, pulses):
    assert check_database(engine, silence_s=30)["weights"]
    pulses.leave(Part.WEIGHTS_REFUSED)
    assert not check_database(engine, silence_s=30)["weights"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE pulses SET left_at = left_at - interval '20 seconds'"))
    assert check_database(engine, silence_s=30)["weights"]


def test_a_sign_of_life_from_the_future_is_none(engine, pulses):
    pulses.leave(Part.SWEEP)
    with engine.begin() as connection:
        connection.execute(text("UPDATE pulses SET left_at = left_at + interval '1 hour'"))
    assert not check_database(engine, silence_s=30)["sweep"]


@pytest.mark.parametrize("ahead_s", [-31, 31])
def test_a_clock_that_differs_is_told(engine, ahead_s):
    assert check_database(engine, silence_s=30)["clock"]
    now = lambda: time.time() + ahead_s  # noqa: E731
    assert not check_database(engine, silence_s=30, now=now)["clock"]


def test_a_job_that_waits_for_too_long_is_told_to_whoever_may_not_see_it(engine, migrated_url, uow):
    job = Job(
        id=new_id(),
        parameters=DetectionParameters(),
        state=JobState.QUEUED,
        created_at=datetime.now(UTC) - timedelta(seconds=100),
    )
    with uow() as work:
        work.jobs.add(job, images=[], publish_at=job.created_at)
        work.commit()
    front = build_probe_engine(migrated_url, role=DatabaseRole.WEB)
    assert check_database(front, silence_s=30, longest_wait_s=110)["queue"]
    assert not check_database(front, silence_s=30, longest_wait_s=90)["queue"]
    with uow() as work:
        work.jobs.claim(job.id, worker="test", lease=timedelta(seconds=30), companions=0)
        work.commit()
    assert check_database(front, silence_s=30, longest_wait_s=90)["queue"]
