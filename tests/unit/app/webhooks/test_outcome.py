from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.webhooks.outcome import describe_status, retry_after_s

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, b"120", 120),
        (503, b" 7 ", 7),
        (429, b"0", 0),
        (429, b"Sun, 01 Mar 2026 12:10:00 GMT", 600),
        (429, b"Sun, 01 Mar 2026 12:10:00 -0000", 600),
        (429, b"Sun, 01 Mar 2026 11:00:00 GMT", 0),
        (429, b"Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        (429, b"99999999", 86_400),
        (429, b"9" * 30, None),
        (429, b"9" * 5000, None),
        (429, b"", None),
        (429, b"soon", None),
        (429, b"-5", None),
        (429, b"1.5", None),
        (429, b"\xb2", None),
        (500, b"120", None),
        (200, b"120", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(status, header, seconds):
    assert retry_after_s(status, header, at=AT) == seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_2xx_is_a_success(status):
    assert describe_status(status) is None


@pytest.mark.parametrize("status", [101, 199, 300, 302, 304, 400, 404, 410, 429, 500, 599])
def test_any_other_status_is_a_failure(status):
    assert str(status) in describe_status(status)
