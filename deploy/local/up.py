"""Running the whole stack in the foreground, from nothing to ready and back."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import click
import httpx

from deploy.local.access import write_access
from deploy.local.locking import sole_runner
from deploy.local.programs import models_loaded, server_programs, service_programs
from deploy.local.provision import make_database, migrate
from deploy.local.stack import prepare_stack
from deploy.local.supervision import Supervisor, supervised
from deploy.local.throwaway import postgres_answers, redis_answers
from deploy.local.waiting import NotReadyError, wait_until

if TYPE_CHECKING:
    from deploy.local.paths import StateFolder
    from deploy.local.stack import Stack

_SERVER_PATIENCE_S = 60.0
_SERVICE_PATIENCE_S = 180.0
_LOG_LINES = 15


class SupervisorLostError(RuntimeError):
    """The supervisor ended by itself, and with it the stack; its log says why."""


def run_stack(state: StateFolder, *, port: int | None, workers: int | None) -> None:
    """Run every process until SIGINT or SIGTERM comes, then stop all of them."""
    for end in (signal.SIGINT, signal.SIGTERM):  # a script's background job ignores SIGINT else
        signal.signal(end, signal.default_int_handler)
    with sole_runner(state):
        stack = prepare_stack(state, os.environ, port=port)
        try:
            _run(stack, workers or len(os.sched_getaffinity(0)))
        except KeyboardInterrupt:
            click.echo("Stopped.")


def _run(stack: Stack, workers: int) -> None:
    click.echo(f"Starting; state and logs are in {stack.state.root}.")
    if stack.postgres:
        stack.postgres.initialise()
    servers, service = server_programs(stack), service_programs(stack, workers=workers)
    with supervised(stack, servers, service) as supervisor:
        try:
            prepare_servers(stack)
            click.echo("Starting the web process and the workers, which load the models ...")
            supervisor.start_service()
            wait_until_ready(stack, supervisor, workers=workers)
            click.echo(_welcome(write_access(stack)))
            supervisor.process.wait()
            raise SupervisorLostError(f"The supervisor ended. See {stack.state.log}.")
        finally:
            # A second Ctrl-C must not leave processes behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            click.echo("Stopping every process ...")


def prepare_servers(stack: Stack) -> None:
    """Wait for the embedded servers, then make what the service needs in the database."""
    if stack.postgres:
        server = stack.postgres
        wait_until(lambda: postgres_answers(server), _SERVER_PATIENCE_S, "Postgres")
        make_database(server, stack.secrets["database"])
        click.echo(f"Postgres answers on port {server.port}.")
    if stack.redis:
        store = stack.redis
        wait_until(lambda: redis_answers(store), _SERVER_PATIENCE_S, "Redis")
        click.echo(f"Redis answers on port {store.port}.")
    click.echo(migrate(stack.environment))


def wait_until_ready(stack: Stack, supervisor: Supervisor, *, workers: int) -> None:
    """Wait until the service can do jobs in every inference process; show the progress.

    Raises: NotReadyError: the end of each broken process's log was printed.
    """

    def tell(waited_s: float) -> None:
        states = ", ".join(f"{name} {state}" for name, state in supervisor.states().items())
        click.echo(f"  {waited_s:.0f} s: {states}")

    def can_do_jobs() -> bool:
        # The states show whether it is our web process that answers, or a stranger on its port.
        return (
            set(supervisor.states().values()) == {"RUNNING"}
            and _is_ready(stack.base_url)
            and models_loaded(stack) >= workers
        )

    try:
        wait_until(
            can_do_jobs,
            _SERVICE_PATIENCE_S,
            f"the service, whose logs are in {stack.state.log}",
            tell=tell,
        )
    except NotReadyError:
        for name, state in supervisor.states().items():
            if state != "RUNNING":
                log = stack.state.log / f"{name}.log"
                lines = log.read_text(errors="replace").splitlines() if log.exists() else []
                click.echo("\n".join([f"--- {name} ({state}) says:", *lines[-_LOG_LINES:]]))
        raise


def _is_ready(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/health/working", timeout=5).is_success
    except httpx.TransportError:
        return False


def _welcome(access: dict[str, str]) -> str:
    base, key = access["base_url"], access["admin_key"]
    return f"""
Ready.
  API docs  {base}/v1/docs
  Health    {base}/health/ready
  Flower    {access["flower_url"]}  (user {access["flower_user"]}, {access["flower_password"]})
  API key   {key}

  curl -H 'x-api-key: {key}' -H 'Prefer: wait=10' -F image=@photo.jpg {base}/v1/detections

The same is in access.json of the state folder. Ctrl-C stops everything.
"""
