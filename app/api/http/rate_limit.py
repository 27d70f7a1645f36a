"""What a caller may still submit, in the fields of draft-ietf-httpapi-ratelimit-headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domain.backlog import Quota


def rate_limit(quota: Quota, *, retry_after_s: int | None = None) -> dict[str, str]:
    """Return the fields: the policy of the lane, and how many images it has room for.

    The draft names units for requests and bytes alone; ours is its own.
    """
    policy = f'"{quota.lane.name.lower()}"'
    until = "" if retry_after_s is None else f";t={retry_after_s}"
    return {
        "RateLimit-Policy": f'{policy};q={quota.bound};qu="images"',
        "RateLimit": f"{policy};r={quota.remaining}{until}",
    }
