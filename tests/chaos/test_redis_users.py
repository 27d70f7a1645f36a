"""T27: whoever reaches Redis may do what its part of the service needs, and nothing else."""

from __future__ import annotations

import base64
import json
import pickle
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from uuid import UUID, uuid4

import pytest
import redis
from kombu.serialization import loads
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.retry import Retry

from app.messaging.celery import configure
from app.messaging.names import QueueName, TaskName
from deploy.local.paths import PROJECT
from deploy.local.supervision import ending_with_this_process
from deploy.local.throwaway import throwaway_redis
from deploy.redis_users import RedisUser
from tasks.process.app import celery
from tests.chaos.campaign import Campaign, finish, submitting
from tests.chaos.stack import wait_for

_QUEUE = f"vultus:{QueueName.INFERENCE}"
_ONCE = Retry(NoBackoff(), 0)

#: What an intruder would try, whoever he is.
_TAKEOVERS = (
    "CONFIG GET *",
    "CONFIG SET dir /tmp",
    "CONFIG REWRITE",
    "EVAL return(1) 0",
    "FUNCTION LIST",
    "FUNCTION FLUSH",
    "FLUSHALL",
    "FLUSHDB",
    "SWAPDB 0 1",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "DBSIZE",
    "INFO",
    "MONITOR",
    "SAVE",
    "BGSAVE",
    "BGREWRITEAOF",
    "SHUTDOWN NOSAVE",
    "DEBUG SLEEP 0",
    "REPLICAOF 127.0.0.1 1",
    "SYNC",
    "FAILOVER",
    "CLUSTER INFO",
    "ACL LIST",
    "ACL WHOAMI",
    "ACL SETUSER web +@all",
    "CLIENT LIST",
    "CLIENT KILL TYPE normal",
    "CLIENT PAUSE 1",
    "MODULE LIST",
    "MODULE LOAD /tmp/x.so",
    "SLOWLOG GET",
    "LATENCY RESET",
    "MEMORY STATS",
    "GET other",
    "SET other 1",
    "LPUSH other 1",
    "DEL other",
    "HGET other a",
    "PUBLISH other 1",
    "SUBSCRIBE other",
    "PSUBSCRIBE *",
)
#: What workers do with messages, which those who put them need not.
_TAKES = (
    f"BRPOP {_QUEUE} 1",
    f"RPOP {_QUEUE}",
    f"LPOP {_QUEUE}",
    f"LRANGE {_QUEUE} 0 -1",
    f"LTRIM {_QUEUE} 1 0",
    f"DEL {_QUEUE}",
    f"RENAME {_QUEUE} vultus:x",
    f"DUMP {_QUEUE}",
    f"EXPIRE {_QUEUE} 1",
    "HGET vultus:unacked a",
    "HGETALL vultus:unacked",
    "ZRANGE vultus:unacked_index 0 -1",
    "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0",
    "SCRIPT LOAD return(1)",
    "SCRIPT FLUSH",
    "PUBLISH vultus:/0.celery.pidbox 1",
    "SUBSCRIBE vultus:/0.celery.pidbox",
)
_ATTEMPTS = {
    RedisUser.WEB: (*_TAKEOVERS, *_TAKES),
    RedisUser.WORKER: _TAKEOVERS,
    RedisUser.FLOWER: (
        *_TAKEOVERS,
        f"LPUSH {_QUEUE} 1",
        *(attempt for attempt in _TAKES if _QUEUE in attempt or "unacked" in attempt),
    ),
}


def _client(server, user, **changes):
    return redis.Redis.from_url(server.url(user=user), **changes)


def _refused(client, attempt):
    """Tell whether the server says that the user may not."""
    try:
        client.execute_command(*attempt.split(" "))
    except NoPermissionError:
        return True
    except RedisError as error:  # some need a switch in the server's settings beside
        return "command not allowed" in str(error)
    return False


def test_each_user_may_do_its_own_work_alone(tmp_path, finding):
    with throwaway_redis(tmp_path / "server") as server:
        strangers = 0
        for password in (None, "", server.password):
            with (
                redis.Redis(port=server.port, password=password, retry=_ONCE) as stranger,
                pytest.raises(AuthenticationError),
            ):
                stranger.ping()
            strangers += 1
        tried, allowed = 0, []
        for user, attempts in _ATTEMPTS.items():
            for attempt in attempts:
                with _client(server, user) as client:
                    tried += 1
                    if not _refused(client, attempt):
                        allowed.append((user, attempt))
        with _client(server, RedisUser.OPERATOR) as operator:
            policy = operator.config_get("maxmemory-policy", "appendonly", "bind", "protected-mode")
            naive = [
                attempt
                for attempt in _ATTEMPTS[RedisUser.WEB]
                if operator.execute_command("ACL", "DRYRUN", "operator", *attempt.split(" "))
                in {b"OK", True}
            ]
    assert policy == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "bind": "127.0.0.1",
        "protected-mode": "yes",
    }
    finding(
        test="T27",
        promise="With one process's password of Redis only that process's work can be done",
        n=strangers + tried,
        figure=f"{strangers} of 3 without a user refused; {tried - len(allowed)} of {tried}"
        f" commands refused to {len(_ATTEMPTS)} users; allowed: {allowed}",
        passed=not allowed,
        naive=f"one password for all: {len(naive)} of {len(_ATTEMPTS[RedisUser.WEB])} are allowed",
        naive_failed=len(naive) > len(_ATTEMPTS[RedisUser.WEB]) // 2,
    )


def test_the_parts_of_the_service_need_nothing_more(stack, size, finding):
    """The server writes down whatever it refuses."""
    minutes = size(small=0, fast=0.25, full=3)
    with stack.redis_client() as operator:
        operator.acl_log_reset()
        deadline = time.monotonic() + 60 * minutes
        verdicts = []
        while not verdicts or time.monotonic() < deadline:
            campaign = Campaign(stack)
            clients = submitting(campaign, 20)
            stack.restart("worker", signal.SIGKILL)  # what it held is put back, under the lock
            stack.wait_for_worker()
            verdicts.append(finish(campaign, clients))
        refusals = [
            (entry["username"], entry["object"])
            for entry in operator.acl_log()
            if entry["username"] in set(RedisUser)
        ]
        naive = _without_scripting(stack, operator)
    logs = "".join(
        (stack.volumes.own / f"{name}.log").read_text() for name in ("web", "worker", "io")
    )
    finding(
        test="T27",
        promise="The front and the workers run under these bounds",
        n=sum(verdict.accepted for verdict in verdicts),
        figure=f"of {len(verdicts)} batches {sum(verdict.sound for verdict in verdicts)} sound, a"
        f" worker killed in each; refused: {refusals}; in the logs: {logs.count('NoPermission')}",
        passed=all(verdict.sound for verdict in verdicts)
        and not refusals
        and "NoPermission" not in logs,
        naive=f"a worker without scripts, as one hardens Redis first: {naive}",
        naive_failed=naive != "runs",
    )


def _without_scripting(stack, operator):
    """Run a worker under a user that may do all but scripts; return what becomes of it."""
    password = secrets.token_hex(16)
    operator.execute_command(
        "ACL", "SETUSER", "hardened", "reset", "on", f">{password}", "~*", "&*", "+@all",
        "-@scripting",
    )  # fmt: skip
    url = f"redis://hardened:{password}@127.0.0.1:{stack.redis.port}/3"
    log = stack.folder / "hardened.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *ending_with_this_process(),
                *(sys.executable, "-m", "celery", "-A", "tasks.io_worker", "worker"),
                *("--queues", "io", "--hostname", "hardened@%h", "--pool", "threads"),
                *("--loglevel", "WARNING"),
            ],
            cwd=PROJECT,
            env={**stack.environment, "VULTUS_REDIS_URL": url},
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: process.poll() is not None or "NoPermission" in log.read_text(), 60)
    finally:
        process.kill()
        process.wait()
        operator.execute_command("ACL", "DELUSER", "hardened")
    return "refused, and takes nothing" if "NoPermission" in log.read_text() else "runs"


class _Canary:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def _message(task, args, *, body=None, content_type="application/json"):
    """Return what Celery puts, as whoever may put anything would."""
    body = json.dumps([args, {}, {}]).encode() if body is None else body
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8" if content_type.endswith("json") else "binary",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": str(uuid4()), "root_id": None},
            "properties": {
                "correlation_id": str(uuid4()),
                "delivery_info": {"exchange": "", "routing_key": QueueName.INFERENCE},
                "delivery_mode": 2,
                "delivery_tag": str(uuid4()),
                "body_encoding": "base64",
            },
        }
    )


def test_messages_of_an_intruder_do_nothing(stack, campaign, tmp_path, finding):
    """He is in the front, and puts what he likes."""
    canary, naive_canary = tmp_path / "canary", tmp_path / "naive"
    with stack.client() as http:
        done = campaign.submit(0, http=http)
        campaign.wait_for_job(done)
    before = _job(stack, done)
    children = {child.pid for child in stack.children("worker")}
    hostile = [
        _message(TaskName.RUN, [], body=pickle.dumps(_Canary(canary)),
                 content_type="application/x-python-serialize"),
        _message("os.system", ["touch " + str(canary)]),
        _message(TaskName.RUN, [str(uuid4())]),
        _message(TaskName.RUN, [done]),  # of whichever tenant, it has ended
        _message(TaskName.RETRAIN, [done]),
        _message(TaskName.RUN, ["../../etc/passwd"]),
        _message(TaskName.RUN, []),
        _message(TaskName.RUN, [done, done, {"a": 1}]),
        _message(TaskName.SWEEP, []),
        _message(TaskName.RUN, None, body=b"[" * 10_000),
    ]  # fmt: skip
    with _client(stack.redis, RedisUser.WEB) as intruder:
        for message in hostile:
            intruder.lpush(_QUEUE, message)
        with stack.client() as http:
            after = campaign.submit(1, http=http)
        campaign.wait_for_job(after)
        wait_for(lambda: intruder.llen(_QUEUE) == 0, what="the messages to be taken")
    verdict = campaign.judge()
    alive = {child.pid for child in stack.children("worker")}
    data = pickle.dumps(_Canary(naive_canary))
    kind = "application/x-python-serialize"
    loads(data, kind, "binary", accept={kind}).close()
    finding(
        test="T27",
        promise="A message of an intruder in the front runs no code and changes no job",
        n=len(hostile),
        figure=f"code run: {canary.exists()}; the ended job changed: {before != _job(stack, done)};"
        f" {len(children - alive)} processes lost; {verdict}",
        passed=not canary.exists()
        and before == _job(stack, done)
        and children <= alive
        and verdict.sound
        and configure(celery, stack.redis.url()).conf.accept_content == ["json"],
        naive=f"a worker that takes pickles: code run: {naive_canary.exists()}",
        naive_failed=naive_canary.exists(),
    )


def _job(stack, job_id):
    with stack.database() as connection:
        query = "SELECT to_jsonb(jobs)::text FROM jobs WHERE id = %s"
        return connection.execute(query, [UUID(job_id)]).fetchone()


def test_submits_go_on_when_redis_is_full(stack, campaign, tmp_path, size, finding):
    n = size(small=10, fast=50, full=200)
    statuses = []
    with stack.redis_client() as operator:
        operator.config_set("maxmemory", 1)
        try:
            with stack.client() as http:
                for number in range(n):
                    campaign.submit(number, http=http)
                    statuses.append(campaign.answers()[-1]["outcome"])
        finally:
            operator.config_set("maxmemory", "256mb")
    campaign.fault("full")
    verdict = finish(campaign, [])
    evicted, answers = _evicting(tmp_path), Counter(statuses)
    finding(
        test="T27",
        promise="A full Redis refuses no submit and loses no message",
        n=n,
        figure=f"answers {dict(answers)}; {verdict}",
        passed=set(answers) == {202} and verdict.sound and verdict.accepted == n,
        naive=f"{evicted} of 100 messages evicted by allkeys-lru",
        naive_failed=evicted > 0,
    )


def _evicting(folder):
    """Fill a Redis that makes room by itself; return how many messages are gone."""
    with (
        throwaway_redis(folder / "evicting") as server,
        _client(server, RedisUser.OPERATOR) as operator,
    ):
        operator.config_set("maxmemory", "4mb")
        operator.config_set("maxmemory-policy", "allkeys-lru")
        operator.lpush("celery", *range(100))
        wait_for(lambda: operator.object("idletime", "celery") >= 1, what="the queue to rest")
        for number in range(2000):
            operator.set(f"result-{number}", "x" * 4096)
        return 100 - operator.llen("celery")
