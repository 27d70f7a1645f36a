"""Whether the broker answers."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

_PATIENCE_S = 1.0


def broker_answers(redis_url: str) -> bool:
    """Ping the broker; false also when it takes longer than a second."""
    url = redis_url.replace("redis+socket://", "unix://", 1)
    try:
        with Redis.from_url(
            url, socket_connect_timeout=_PATIENCE_S, socket_timeout=_PATIENCE_S
        ) as client:
            return bool(client.ping())
    except RedisError:
        return False
