from __future__ import annotations

from datetime import timedelta

import pytest

from app.bootstrap import SystemClock
from tests.fakes import FakeClock


@pytest.fixture(params=[FakeClock, SystemClock])
def clock(request):
    return request.param()


def test_now_is_in_utc_and_never_goes_back(clock):
    moments = [clock.now() for _ in range(100)]
    assert {moment.utcoffset() for moment in moments} == {timedelta()}
    assert moments == sorted(moments)


def test_now_is_the_time_of_the_day_unless_it_is_set(clock):
    assert abs(SystemClock().now() - clock.now()) < timedelta(minutes=10)
