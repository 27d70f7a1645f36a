from __future__ import annotations

import pytest
from sqlalchemy import text

from app.domain.pulse import Part
from app.storage.engine import build_probe_engine
from app.storage.health import check_database
from app.storage.pulses import PostgresPulses, pulse_ages_s


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
