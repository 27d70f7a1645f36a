"""The processes of a stack and how each is started and stopped."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.local.paths import PROJECT

if TYPE_CHECKING:
    from deploy.local.stack import Stack

SERVICE = "service"
WEB_THREADS = 64
# Beyond it the web server itself refuses; the service refuses earlier, by its own setting.
_MOST_BODY_BYTES = 256 * 2**20
_CELERY = (sys.executable, "-m", "celery", "-A", "tasks.worker:celery")
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
    web = (
        *(sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{ports['web']}"),
        *(f"--threads={WEB_THREADS}", "--channel-timeout=30", "--cleanup-interval=10"),
        *("--connection-limit=1000", "--asyncore-use-poll", "--ident=vultus"),
        *(f"--max-request-body-size={_MOST_BODY_BYTES}", "app.wsgi:application"),
    )
    beat = (
        *(*_CELERY, "beat", "--loglevel=WARNING", "--pidfile="),
        f"--schedule={stack.state.run / 'beat-schedule'}",
    )
    flower = (
        *(*_CELERY, "flower", "--address=127.0.0.1", f"--port={ports['flower']}"),
        *(f"--conf={PROJECT / 'deploy' / 'flowerconfig.py'}", "--loglevel=WARNING"),
    )
    return [
        Program("web", web, "INT"),
        _worker("inference", concurrency=workers),
        _worker("io", concurrency=4),
        Program("beat", beat, environment=_FOR_WORKERS),
        Program("flower", flower),
    ]


def _worker(queue: str, *, concurrency: int) -> Program:
    command = (
        *(*_CELERY, "worker", "--queues", queue, "--hostname", f"{queue}@%h"),
        *("--pool", "prefork", "--concurrency", str(concurrency), "--loglevel=INFO"),
        *("--without-gossip", "--without-mingle"),
    )
    return Program(f"worker-{queue}", command, environment=_FOR_WORKERS)
