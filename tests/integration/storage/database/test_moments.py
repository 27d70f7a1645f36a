from __future__ import annotations

import pytest
from sqlalchemy import text

from app.domain.moment import FIRST, LAST


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("infinity", LAST),
        ("-infinity", FIRST),
        ("294276-12-31 23:59:59+00", LAST),
        ("9999-12-31 23:59:59-14", LAST),
        ("0001-01-01 00:00:00+14", FIRST),
        ("4713-01-01 00:00:00+00 BC", FIRST),
        ("9999-12-31 23:59:59.999999+00", LAST),
        ("0001-01-01 00:00:00+00", FIRST),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati"])
def test_every_moment_that_postgres_stores_can_be_read(engine, stored, read, zone):
    with engine.connect() as connection:
        connection.execute(text(f"ALTER ROLE CURRENT_USER SET timezone = '{zone}'"))
        connection.commit()
        connection.invalidate()
    with engine.connect() as connection:
        query = text("SELECT CAST(:stored AS timestamptz), CAST(NULL AS timestamptz)")
        assert connection.execute(query, {"stored": stored}).one() == (read, None)
        connection.execute(text("ALTER ROLE CURRENT_USER RESET timezone"))
        connection.commit()


def test_moments_come_in_utc(engine):
    with engine.connect() as connection:
        now = connection.scalar(text("SELECT timestamptz '2026-05-01 12:00:00+02'"))
    assert now.isoformat() == "2026-05-01T10:00:00+00:00"
