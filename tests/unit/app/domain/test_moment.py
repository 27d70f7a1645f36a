from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.moment import FIRST, LAST, in_utc, written

offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets))
def test_a_moment_is_refused_or_can_be_written_and_read(moment):
    try:
        kept = in_utc(moment)
    except ValueError:
        assert moment.year in {1, 9999}
        return
    assert kept == moment
    assert kept.tzinfo is UTC
    assert datetime.fromisoformat(written(kept)) == kept
    assert written(kept).endswith("Z")


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_outside_the_years_that_can_be_read_is_refused(text):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        in_utc(datetime.fromisoformat(text))


def test_a_moment_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        in_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused


def test_the_first_and_the_last_moment_are_admitted():
    assert in_utc(FIRST) == FIRST
    assert in_utc(LAST) == LAST
