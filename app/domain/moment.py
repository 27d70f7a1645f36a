"""Moments: all of them in UTC, and none that could be stored and not read again."""

from __future__ import annotations

from datetime import UTC, datetime

#: The first and the last moment that Python knows, in UTC. Postgres knows earlier and later ones.
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC, so that it looks the same wherever it is shown.

    Raises: ValueError: it has no offset, or lies outside the years 1 to 9999 in UTC.
    """
    if moment.utcoffset() is None:
        raise ValueError("Must have an offset from UTC, such as Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("Must be in the years 1 to 9999, in UTC.") from None


def written(moment: datetime) -> str:
    """Return a moment that is in UTC as it stands in documents: RFC 3339, with a Z."""
    return moment.isoformat().replace("+00:00", "Z")
