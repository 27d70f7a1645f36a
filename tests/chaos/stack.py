"""The service's real processes, each started by the test and ended by its own pid."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import psycopg
import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.messaging.celery import configure
from deploy.local.paths import PROJECT
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.provision import make_database, migrate
from deploy.local.redis import RedisServer
from deploy.local.stack import DATABASE, ROLE
from deploy.local.supervision import ending_with_this_process
from deploy.local.throwaway import postgres_answers, redis_answers
from deploy.redis_users import RedisUser
from tests.chaos.history import History
from tests.chaos.volumes import Volumes

#: Losses are noticed after the lease, so a short one keeps the tests short.
SETTINGS = {
    "VULTUS_LEASE_S": "3",
    "VULTUS_REPUBLISH_S": "2",
    "VULTUS_SWEEP_INTERVAL_S": "0.5",
    "VULTUS_PULSE_INTERVAL_S": "1",
    "VULTUS_WEBHOOK_ALLOW_HTTP": "true",
    "VULTUS_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
}
#: Test runs start many programs at once on few processors.
PATIENCE_S = 90


def wait_for(holds, patience_s=PATIENCE_S, what="it"):
    """Return what `holds` returns as soon as that is true; fail when the time is up."""
    deadline = time.monotonic() + patience_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain for {what}"
        time.sleep(0.05)
    return found


class Stack:
    """Postgres, Redis, the front and the workers, without a supervisor.

    Processes end with the thread that started them, so only the main thread starts any.
    """

    def __init__(self, folder: Path, *, concurrency: int = 2, **settings: str) -> None:
        self.folder = folder
        self.volumes = Volumes(folder)
        self.history = History(folder / "history.jsonl")
        self.crash_at_pop = folder / "crash-at-pop"
        self.crash_at_naive_pop = folder / "crash-at-naive-pop"
        self._processes: dict[str, subprocess.Popen] = {}
        self._settings: dict[str, dict[str, str]] = defaultdict(dict)
        self._users = dict.fromkeys(("web", "beat"), RedisUser.WEB)
        self._password = secrets.token_urlsafe(16)
        self.postgres = PostgresServer(
            self.volumes.tables / "postgres", free_port(), secrets.token_urlsafe(16)
        )
        self.redis = RedisServer(self.volumes.own / "redis", free_port(), secrets.token_urlsafe(16))
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.environment = {
            **{name: v for name, v in os.environ.items() if not name.startswith("VULTUS_")},
            **SETTINGS,
            **settings,
            "VULTUS_DATABASE_URL": self.postgres.url(DATABASE, user=ROLE, password=self._password),
            "VULTUS_REDIS_URL": self.redis.url(user=RedisUser.WORKER),
            "VULTUS_SECRET_KEY": secrets.token_urlsafe(32),
            "VULTUS_BASE_URL": self.base_url,
            "TMPDIR": str(_shared_folder(self.volumes.own / "tmp")),
            "CHAOS_HISTORY": str(self.history.path),
            "CHAOS_CRASH_AT_POP": str(self.crash_at_pop),
            "CHAOS_DATABASE": self.database_url(),
            "REMAP_SIGTERM": "SIGQUIT",
            "OMP_NUM_THREADS": "1",
        }
        celery = (sys.executable, "-m", "celery", "-A")
        quiet = ("--without-gossip", "--without-mingle", "--loglevel", "WARNING")
        pool = ("--pool", "prefork", "--concurrency", str(concurrency))

        def inference(module: str) -> list[str]:
            return [
                *(*ending_with_this_process(), *celery, module, "worker", *pool, *quiet),
                *("--queues", "interactive,inference", "--hostname", "inference@%h"),
            ]

        self._commands = {
            "postgres": self.postgres.command,
            "redis": self.redis.command,
            "web": lambda: [
                *ending_with_this_process(),
                *(sys.executable, "-m", "app.server", "--threads=32"),
                f"--listen=127.0.0.1:{port}",
            ],
            "worker": lambda: inference("tests.chaos.stub_worker"),
            "true-worker": lambda: inference("tasks.inference_worker"),
            "training": lambda: [
                *(*ending_with_this_process(), "nice", "-n", "10", *celery),
                *("tasks.training_worker", "worker", "--queues", "training"),
                *("--hostname", "training@%h", "--pool", "prefork", "--concurrency", "1", *quiet),
            ],
            "io": lambda: [
                *(*ending_with_this_process(), *celery, "tasks.io_worker", "worker"),
                *("--queues", "io", "--hostname", "io@%h", "--pool", "threads"),
                *("--concurrency", "4", *quiet),
            ],
            "beat": lambda: [
                *(*ending_with_this_process(), *celery, "tasks.io_worker", "beat"),
                *("--loglevel=WARNING", "--pidfile=", "--scheduler=celery.beat.Scheduler"),
            ],
        }
        for number, name in enumerate(("naive", "naive-late"), start=1):
            self._commands[name] = lambda number=number: [
                *("env", "-u", "REMAP_SIGTERM", f"CHAOS_BROKER={self.redis.url(number)}"),
                *(f"NAIVE_LATE={number - 1}", f"NAIVE_CRASH_AT_POP={self.crash_at_naive_pop}"),
                *(*ending_with_this_process(), *celery, "tests.chaos.naive"),
                *("worker", "--concurrency", "2", *quiet),
            ]

    def __enter__(self):
        try:
            self._provide()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _provide(self) -> None:
        self.postgres.initialise()
        self._move_log()
        self.redis.initialise()
        self.start("postgres", "redis")
        make_database(self.postgres, self._password)
        migrate(self.environment)
        with self.database() as connection:
            connection.execute(_RECORD_TRANSITIONS)
        self.key = self.new_key()
        self.start("worker", "io", "beat", "naive", "naive-late", "web")

    def __exit__(self, *_):
        for name in reversed(self._processes):
            self.end(name, signal.SIGINT if name == "postgres" else signal.SIGKILL)
        self.volumes.close()

    def _move_log(self) -> None:
        """Give Postgres' log a place of its own, as ``initdb --waldir`` does."""
        log = self.postgres.data / "pg_wal"
        subprocess.run(["mv", log, self.volumes.wal], check=True)
        log.symlink_to(self.volumes.wal / "pg_wal")

    @contextmanager
    def settings(self, name: str, **settings: str):
        """Run a program with other settings for the length of the block."""
        self._settings[name] = settings
        self.restart(name)
        yield
        del self._settings[name]
        self.restart(name)

    def start(self, *names: str) -> None:
        """Start programs, and wait until servers answer."""
        for name in names:
            self.launch(name)
        answers = {
            "postgres": lambda: postgres_answers(self.postgres),
            "redis": lambda: redis_answers(self.redis),
            "web": self._web_answers,
        }
        for name in names:
            if name in answers:
                wait_for(answers[name], what=name)

    def _broker_of(self, name: str) -> dict[str, str]:
        user = self._users.get(name, RedisUser.WORKER)
        return {"VULTUS_REDIS_URL": self.redis.url(user=user)}

    def launch(self, name: str, **settings: str) -> None:
        """Start a program, which may end at once."""
        assert name not in self._processes or not self.runs(name), f"{name} runs already"
        with (self.volumes.own / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._commands[name](),
                cwd="/" if name in {"postgres", "redis"} else PROJECT,
                env=self.environment | self._broker_of(name) | self._settings[name] | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, name: str, how: int = signal.SIGKILL, patience_s: float = 60) -> float:
        """Signal a program and wait for its end; return the seconds that this took.

        What it has forked is killed when it leaves that behind.
        """
        process = self._processes[name]
        children = self.children(name)
        begin = time.monotonic()
        process.send_signal(how)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        return time.monotonic() - begin

    def remove(self, name: str) -> None:
        """Kill a program that nobody is to revive."""
        self.end(name)
        del self._processes[name]

    def restart(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a program and start it again, as a supervisor does."""
        self.end(name, how)
        self.start(name)

    def wait_for_worker(self) -> None:
        """Wait until the inference worker has loaded its models and takes tasks."""
        celery = configure(Celery(set_as_current=False), self.redis.url())
        with celery:
            wait_for(lambda: _pong(celery, f"inference@{socket.gethostname()}"), what="the worker")

    def kill_a_child(self, name: str, chance: random.Random) -> None:
        """Kill one of the processes in which a worker runs its tasks."""
        children = wait_for(
            lambda: self.revive() or self.children(name), what=f"children of {name}"
        )
        with suppress(psutil.NoSuchProcess):
            chance.choice(children).kill()

    def revive(self) -> None:
        """Start what has ended by itself, as a supervisor does."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                self.start(name)

    def signal(self, name: str, what: signal.Signals) -> None:
        """Send a signal without waiting for what comes of it."""
        self._processes[name].send_signal(what)

    def runs(self, name: str) -> bool:
        """Tell whether a program has not ended."""
        return self._processes[name].poll() is None

    def children(self, name: str) -> list[psutil.Process]:
        """Return what a program has forked, without what its children started."""
        try:
            return psutil.Process(self._processes[name].pid).children()
        except psutil.NoSuchProcess:
            return []

    def empty_redis(self) -> None:
        """Delete the log of a Redis that does not run."""
        shutil.rmtree(self.redis.folder / "appendonlydir")

    def database_url(self) -> str:
        """The URL of the service's database for libpq."""
        url = self.postgres.url(DATABASE, user=ROLE, password=self._password)
        return url.replace("+psycopg", "")

    def database(self):
        """Connect to the service's database as the service does."""
        return psycopg.connect(self.database_url(), autocommit=True)

    def superuser(self):
        """Connect as the one who may end others' connections."""
        return psycopg.connect(
            self.postgres.url("postgres").replace("+psycopg", ""), autocommit=True
        )

    def redis_client(self, database: int = 0) -> redis.Redis:
        return redis.Redis.from_url(self.redis.url(database))

    def new_key(self) -> str:
        """Make another admin key."""
        command = [sys.executable, "-m", "app.cli", "keys", "create", "--name", "chaos"]
        made = subprocess.run(
            [*command, "--scope", "admin"],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.strip()

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(
            base_url=self.base_url,
            headers={"x-api-key": key or self.key},
            timeout=20,
            trust_env=False,
        )

    def _web_answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/health/live", timeout=2).is_success
        except httpx.TransportError:
            return False


def _shared_folder(path: Path) -> Path:
    """Make a folder that any user may write to, as the system's own for temporary files."""
    path.mkdir()
    path.chmod(0o1777)
    return path


def _pong(celery: Celery, node: str) -> bool:
    with suppress(OperationalError, RedisError, OSError):
        return bool(celery.control.ping(destination=[node], timeout=0.5))
    return False


class Background(threading.Thread):
    """Runs a function beside the test; `result` waits for its end and raises what it raised."""

    def __init__(self, run, *arguments) -> None:
        super().__init__(daemon=True)
        self._run, self._arguments = run, arguments
        self._value = self._error = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._run(*self._arguments)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self._error = error

    def result(self, patience_s=PATIENCE_S):
        self.join(patience_s)
        assert not self.is_alive(), f"not done in {patience_s} s"
        if self._error is not None:
            raise self._error
        return self._value


_RECORD_TRANSITIONS = """
CREATE TABLE chaos_transitions (
    job_id uuid, old text, new text, number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
CREATE FUNCTION chaos_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO chaos_transitions VALUES (NEW.id, OLD.state, NEW.state);
    RETURN NULL;
END
$$;
CREATE TRIGGER chaos_record AFTER UPDATE OF state ON jobs
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION chaos_record();
CREATE TABLE naive_faces (
    number int, process int, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
"""
