"""The users of the broker: what each process may do in Redis, and nothing more.

Standard library only, like the script that writes the secrets of docker-compose.yml.

Lua has been a way to run any code in the server (CVE-2025-49844), but Celery's workers die without
it: a script releases the lock under which unacknowledged messages are put back. So the user that is
nearest to the outside has no scripts. Redis 7 or Valkey.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

#: As in app/messaging: the queues of QueueName, below the prefix of every key.
_QUEUES = "~vultus:interactive* ~vultus:inference* ~vultus:io* ~vultus:webhooks* ~vultus:training*"
_BINDINGS = "~vultus:_kombu.binding*"
#: Orders to workers, and their events; who listens to a pattern has to have that very pattern.
_CHANNELS = "&vultus:/0.celery.pidbox &vultus:/0.celeryev/*"
#: What every connection of redis-py begins with, and its looks at whether the server answers.
_CONNECT = "-@all +ping +select +client|setinfo +client|setname"
_PUT = "+lpush +llen +sadd +smembers +multi +exec"
#: Taking messages, handing them back, and the pairs of queue and exchange that run out.
_TAKE = (
    "+brpop +rpop +rpush +srem +set +get +del +exists +pexpire +expire +hset +hget +hdel +hlen"
    " +zadd +zrem +zrange +zrangebyscore +zrevrangebyscore +watch +unwatch +discard"
    " +evalsha +script|exists +script|load +time"
    " +publish +subscribe +unsubscribe +psubscribe +punsubscribe"
)


class RedisUser(StrEnum):
    """Who connects."""

    #: The front and beat: they put messages.
    WEB = "web"
    #: The workers take them, and talk with each other.
    WORKER = "worker"
    #: Flower hears events and asks workers; it neither puts nor takes a job.
    FLOWER = "flower"
    #: The operator of the server.
    OPERATOR = "operator"


_RULES = {
    RedisUser.WEB: f"{_QUEUES} {_BINDINGS} {_CONNECT} {_PUT}",
    RedisUser.WORKER: f"~vultus:* {_CHANNELS} {_CONNECT} {_PUT} {_TAKE}",
    RedisUser.FLOWER: (
        f"~vultus:celeryev.* ~vultus:*.reply.celery.pidbox* ~vultus:flower.* {_BINDINGS}"
        f" {_CHANNELS} {_CONNECT} {_PUT} {_TAKE} (%R~vultus:* -@all +llen)"
    ),
    RedisUser.OPERATOR: "~* &* +@all",
}


@dataclass(frozen=True)
class RedisPasswords:
    """The passwords of all users, which follow from one secret."""

    secret: str

    def of(self, user: RedisUser) -> str:
        """Give the user's password, from which no other one follows."""
        return hmac.new(self.secret.encode(), user.encode(), hashlib.sha256).hexdigest()

    def settings(self) -> list[str]:
        """Give the lines of the server's settings; they hold digests, and admit no other user."""
        lines = ["user default reset off"]
        for user, rules in _RULES.items():
            digest = hashlib.sha256(self.of(user).encode()).hexdigest()
            lines.append(f"user {user} reset on #{digest} {rules}")
        return lines

    def url(self, user: RedisUser, address: str) -> str:
        """Give the URL for a user, as in ``redis://user:password@address``."""
        return f"redis://{user}:{quote(self.of(user), safe='')}@{address}"
