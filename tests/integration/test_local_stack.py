"""The supervised stack: what dies comes back, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import psycopg
import pytest
import redis

from deploy.local.locking import AlreadyRunningError, running_process, sole_runner
from deploy.local.paths import PROJECT, StateFolder
from deploy.local.programs import Program, server_programs
from deploy.local.provision import make_database
from deploy.local.stack import DATABASE, PortTakenError, prepare_stack
from deploy.local.supervision import supervised
from deploy.local.throwaway import postgres_answers, redis_answers
from deploy.local.waiting import wait_until

SLEEPER = Program("sleeper", (sys.executable, "-c", "import signal; signal.pause()"))


@pytest.fixture
def state(tmp_path):
    return StateFolder(tmp_path / "var")


@pytest.fixture
def stack(state):
    return prepare_stack(state, {"PATH": os.environ["PATH"]}, port=None)


def servers_answer(stack):
    return postgres_answers(stack.postgres) and redis_answers(stack.redis)


def database(stack):
    return psycopg.connect(
        stack.environment["VULTUS_DATABASE_URL"].replace("+psycopg", ""), autocommit=True
    )


def process_id(supervisor, name):
    return {p["name"]: p["pid"] for p in supervisor.remote.supervisor.getAllProcessInfo()}[name]


def test_servers_that_are_killed_together_come_back_with_their_data(stack):
    stack.postgres.initialise()
    with supervised(stack, server_programs(stack), [SLEEPER]) as supervisor:
        wait_until(lambda: servers_answer(stack), 60, "the servers")
        make_database(stack.postgres, stack.secrets["database"])
        with database(stack) as db:
            db.execute("CREATE TABLE kept (face vector(3))")
            db.execute("INSERT INTO kept SELECT '[1,2,3]' FROM generate_series(1, 100)")
        with redis.Redis.from_url(stack.redis.url()) as queue:
            queue.rpush("queue", *range(50))
        before = {name: process_id(supervisor, name) for name in ("postgres", "redis")}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: servers_answer(stack), 60, "the servers to be back")
        after = {name: process_id(supervisor, name) for name in before}
        assert not set(before.values()) & set(after.values())
        with database(stack) as db:
            assert db.execute("SELECT count(*) FROM kept").fetchone() == (100,)
        with redis.Redis.from_url(stack.redis.url()) as queue:
            assert queue.llen("queue") == 50


def test_the_services_role_is_no_superuser_and_the_database_is_made_once(stack):
    stack.postgres.initialise()
    with supervised(stack, server_programs(stack), [SLEEPER]):
        wait_until(lambda: postgres_answers(stack.postgres), 60, "Postgres")
        for _ in range(2):
            make_database(stack.postgres, stack.secrets["database"])
        with database(stack) as db:
            assert db.execute("SELECT current_database()").fetchone() == (DATABASE,)
            assert db.execute("SHOW is_superuser").fetchone() == ("off",)


def test_the_services_processes_wait_for_the_word_and_are_restarted(stack):
    with supervised(stack, [], [SLEEPER]) as supervisor:
        assert supervisor.states() == {"sleeper": "STOPPED"}
        supervisor.start_service()
        wait_until(lambda: process_id(supervisor, "sleeper") > 0, 60, "the sleeper")
        first = process_id(supervisor, "sleeper")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: process_id(supervisor, "sleeper") not in {0, first}, 60, "another")


def test_nothing_is_left_when_the_stack_ends(stack):
    stack.postgres.initialise()
    with supervised(stack, server_programs(stack), [SLEEPER]) as supervisor:
        supervisor.start_service()
        wait_until(lambda: servers_answer(stack), 60, "the servers")
        family = psutil.Process(supervisor.process.pid).children(recursive=True)
        assert len(family) > 3
    assert [process for process in family if process.is_running()] == []
    assert not (stack.postgres.data / "postmaster.pid").exists()


def test_nothing_is_left_when_the_supervisor_is_killed(stack):
    stack.postgres.initialise()
    with supervised(stack, server_programs(stack), [SLEEPER]) as supervisor:
        supervisor.start_service()
        wait_until(lambda: servers_answer(stack), 60, "the servers")
        family = psutil.Process(supervisor.process.pid).children(recursive=True)
        supervisor.process.kill()
        _, alive = psutil.wait_procs(family, timeout=60)
        assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_an_existing_server_is_used_instead(state):
    given = {"VULTUS_DATABASE_URL": "postgresql://a@db/c", "VULTUS_REDIS_URL_FILE": "/a/file"}
    stack = prepare_stack(state, given, port=None)
    assert server_programs(stack) == []
    assert given.items() <= stack.environment.items()
    assert "VULTUS_REDIS_URL" not in stack.environment


def test_ports_and_secrets_stay_the_same_from_run_to_run(state):
    first, second = (prepare_stack(state, {}, port=None) for _ in range(2))
    assert first == second


def test_a_stack_beside_the_main_one_leaves_the_well_known_ports_alone(stack):
    assert not {8000, 5555} & set(stack.ports.values())


def test_secrets_are_for_the_owners_eyes_only(stack):
    assert stack.state.secrets.stat().st_mode & 0o777 == 0o600
    assert all(value not in repr(stack) for value in stack.secrets.values())


def test_no_secret_stands_in_a_command(stack):
    stack.postgres.initialise()
    commands = [stack.postgres.command(), stack.redis.command()]
    commands += [program.command for program in server_programs(stack)]
    words = " ".join(word for command in commands for word in command)
    assert [name for name, value in stack.secrets.items() if value in words] == []


def test_a_port_that_was_asked_for_and_is_taken_is_refused(state, redis_server):
    with pytest.raises(PortTakenError):
        prepare_stack(state, {}, port=redis_server.port)


def test_one_state_folder_has_one_stack(state):
    assert running_process(state) is None
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(state.root)], cwd=PROJECT, stdin=subprocess.PIPE
    )
    try:
        wait_until(lambda: running_process(state) == holder.pid, 20, "the lock to be held")
        with pytest.raises(AlreadyRunningError, match=str(holder.pid)), sole_runner(state):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with sole_runner(state):
        assert running_process(state) == os.getpid()


HOLD_THE_LOCK = """
import sys
from pathlib import Path
from deploy.local.locking import sole_runner
from deploy.local.paths import StateFolder
with sole_runner(StateFolder(Path(sys.argv[1]))):
    sys.stdin.read()
"""
