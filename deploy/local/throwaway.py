"""Real servers for the length of a `with` block: tests, measurements, trials."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import redis

from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_PATIENCE_S = 60.0


class ServerStartError(RuntimeError):
    """The server ended or did not answer in time; its log is in its folder's parent."""


@contextmanager
def throwaway_postgres(folder: Path, *, durable: bool = True) -> Iterator[PostgresServer]:
    """Run a new Postgres in `folder`; it is stopped, but its data stay for the owner to remove."""
    server = PostgresServer(folder, free_port(), secrets.token_urlsafe(24), durable=durable)
    server.initialise()
    with running_postgres(server):
        yield server


@contextmanager
def running_postgres(server: PostgresServer) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server whose data folder exists, wait until it answers, and stop it at the end."""
    with _running(server.command(), server.folder, lambda: postgres_answers(server)) as process:
        yield process


@contextmanager
def throwaway_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a new Redis in `folder`; it is stopped, but its data stay for the owner to remove."""
    server = RedisServer(folder, free_port(), secrets.token_urlsafe(24))
    with running_redis(server):
        yield server


@contextmanager
def running_redis(server: RedisServer) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on its folder, wait until it answers, and stop it at the end."""
    server.initialise()
    with _running(server.command(), server.folder, lambda: redis_answers(server)) as process:
        yield process


def postgres_answers(server: PostgresServer) -> bool:
    """Return whether the server lets its superuser in."""
    url = server.url("postgres").replace("+psycopg", "")
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(server: RedisServer) -> bool:
    """Return whether the server answers, which it does only when its data are loaded."""
    with redis.Redis.from_url(server.url(), socket_connect_timeout=2) as client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


@contextmanager
def _running(
    command: list[str], folder: Path, answers: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    log = folder.parent / f"{folder.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd="/")
    try:
        deadline = time.monotonic() + START_PATIENCE_S
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerStartError(f"{command[-1]} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
