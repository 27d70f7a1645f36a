"""The processes of a stack and how each is started and stopped."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from celery import Celery

from app.messaging.celery import configure
from app.messaging.names import MODELS_LOADED
from deploy.local.paths import PROJECT
from deploy.redis_users import RedisUser

if TYPE_CHECKING:
    from deploy.local.stack import Stack

SERVICE = "service"
WEB_THREADS = 64
_IO_THREADS = 2
_WEBHOOK_THREADS = 16  # they wait for other people's servers
# No caller waits for these; those that serve waiting callers may need the processor.
_AFTER_THE_REST = ("nice", "-n", "10")
_FOR_WEB = {
    # Each of many threads would get heaps of its own, and keep what large uploads needed there.
    "MALLOC_ARENA_MAX": "2",
}
_FOR_WORKERS = {
    # Torch's threads do not survive a fork, and more processes serve better than more threads.
    "OMP_NUM_THREADS": "1",
    # TERM then hands unfinished work back to the queue, after the soft shutdown's patience.
    "REMAP_SIGTERM": "SIGQUIT",
}


@dataclass(frozen=True)
class Program:
    """A process that the supervisor keeps running."""

    name: str
    command: tuple[str, ...]
    stop_signal: str = "TERM"
    stop_patience_s: int = 30
    environment: dict[str, str] = field(default_factory=dict)


def server_programs(stack: Stack) -> list[Program]:
    """Give the embedded servers, which start first and stop last."""
    serve = (sys.executable, "-m", "deploy.local", "serve", "--state", str(stack.state.root))
    programs = []
    if stack.postgres:
        programs.append(Program("postgres", (*serve, "postgres"), "INT", 60))
    if stack.redis:
        programs.append(Program("redis", (*serve, "redis")))
    return programs


def service_programs(stack: Stack, *, workers: int) -> list[Program]:
    """Give the service's own processes; `workers` is the number of inference processes."""
    ports = stack.ports
    web = _python(f"-m app.server --threads={WEB_THREADS} --listen=127.0.0.1:{ports['web']}")
    # The plain scheduler writes no file, so that a full disk cannot stop it.
    beat = _python(
        "-m celery -A tasks.io_worker beat --loglevel=WARNING --pidfile=",
        "--scheduler=celery.beat.Scheduler",
    )
    flower = _python(
        "-m celery -A tasks.io_worker flower --loglevel=WARNING",
        f"--address=127.0.0.1 --port={ports['flower']}",
    )
    return [
        Program("web", web, "INT", environment=_FOR_WEB | stack.as_user(RedisUser.WEB)),
        _worker("inference", "interactive,inference", f"--pool prefork --concurrency {workers}"),
        _worker("training", "training", "--pool prefork --concurrency 1", before=_AFTER_THE_REST),
        _worker("io", "io", f"--pool threads --concurrency {_IO_THREADS}"),
        _worker("webhooks", "webhooks", f"--pool threads --concurrency {_WEBHOOK_THREADS}"),
        Program(
            "beat",
            (*_AFTER_THE_REST, *beat),
            environment=_FOR_WORKERS | stack.as_user(RedisUser.WEB),
        ),
        Program(
            "flower",
            (*_AFTER_THE_REST, *flower, f"--conf={PROJECT / 'deploy' / 'flowerconfig.py'}"),
            environment=stack.as_user(RedisUser.FLOWER),
        ),
    ]


def models_loaded(stack: Stack) -> int:
    """Return how many inference processes can run a job, or more once some were replaced."""
    celery = configure(Celery(set_as_current=False), stack.redis_url)
    node = f"inference@{socket.gethostname()}"
    with celery:
        answers = celery.control.broadcast(
            MODELS_LOADED, destination=[node], reply=True, timeout=1.0
        )
    return sum(answer[node].get("loaded", 0) for answer in answers)


def _worker(name: str, queues: str, pool: str, *, before: tuple[str, ...] = ()) -> Program:
    command = _python(
        f"-m celery -A tasks.{name}_worker worker --queues {queues} --hostname {name}@%h {pool}",
        "--without-gossip --without-mingle --loglevel WARNING",
    )
    return Program(f"worker-{name}", (*before, *command), environment=_FOR_WORKERS)


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *" ".join(arguments).split())
