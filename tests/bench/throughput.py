"""`python -m tests.bench.throughput`: the plain loop, the pipeline and the whole service."""

from __future__ import annotations

import secrets
import signal
import time
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

import click

from deploy.local.paths import PROJECT
from tests.bench import race
from tests.bench.backlog import submit_cost_s, work_off
from tests.bench.latency import measure_latency
from tests.bench.looks import look
from tests.bench.machine import cores, describe
from tests.bench.measurement import Measurement
from tests.bench.memory import resident_mb, start_times
from tests.bench.photographs import PhotographSet, large_photographs, small_photographs
from tests.bench.report import write_report
from tests.bench.service import Service, bench_service, service_in

_BULK_JOBS = 5


@click.command()
@click.option("--seconds", default=150, show_default=True, help="Time for the measuring proper.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of the throughput, at most.")
@click.option("--small", default=48, show_default=True, help="Small photographs.")
@click.option("--large", default=8, show_default=True, help="Photographs of 1 to 4 megapixels.")
@click.option("--latencies", default=150, show_default=True, help="Photographs, one at a time.")
@click.option("--bulk", default=64, show_default=True, help="Photographs in one bulk submit.")
@click.option("--soak", default=0, help="Images through the service before its memory is read.")
@click.option(
    "--state",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of a service that runs, to be measured in place of one of its own.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=PROJECT / "var" / "bench",
    help="The folder of the figures and of the benchmark's own service.",
)
def main(
    *,
    seconds: int,
    rounds: int,
    small: int,
    large: int,
    latencies: int,
    bulk: int,
    soak: int,
    state: Path | None,
    out: Path,
) -> None:
    """Measure throughput, latency, agreement and memory; write tables, JSON and plots."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out.mkdir(parents=True, exist_ok=True)
    sets = [small_photographs(small), large_photographs(out / "photographs", large)]
    machine = describe()
    with ExitStack() as stack:
        if state is None:
            click.echo("Starting a service for the measurement:")
            service = stack.enter_context(bench_service(out / "state"))
        else:
            service = stack.enter_context(service_in(state))
        start = start_times(service)
        resident = {0: resident_mb(service)}
        click.echo("Starting the contestants; models are being loaded ...")
        crews = race.start_crews(stack, cores=cores())
        path = _enrol(service, sets[0])
        deadline = time.monotonic() + seconds
        click.echo("Latency while nothing else waits ...")
        found = measure_latency(
            service,
            path,
            crews[race.ONE_BY_ONE],
            small_photographs(latencies).files,
            deadline=time.monotonic() + seconds / 6,
        )
        images = [file.read_bytes() for file in small_photographs(bulk).files]
        bulk_s = [submit_cost_s(service, path, images) / len(images) for _ in range(_BULK_JOBS)]
        click.echo("Throughput, in rounds ...")
        taking_part = race.entries(crews, service, path, cores=cores())
        turns = race.race(taking_part, sets, rounds=rounds, deadline=deadline)
        if soak:
            click.echo(f"{soak} images through the service ...")
            work_off(service, path, list(islice(cycle(images), soak)), per_job=bulk)
        resident[_served(turns) + soak] = resident_mb(service)
        click.echo("Agreement of the detections ...")
        seen = look(crews, sets)
        click.echo("Stopping everything ...")
    measurement = Measurement(
        machine=machine,
        cores=cores(),
        sets=sets,
        turns=turns,
        latencies=found,
        bulk_submit_s=bulk_s,
        bulk_images=len(images),
        agreements={name: of_set.agreements for name, of_set in seen.items()},
        stand_in_shares={name: of_set.stand_in_share for name, of_set in seen.items()},
        resident_mb=resident,
        start=start,
    )
    click.echo(f"\n{write_report(measurement, out)}\n\nWritten to {out}.")


def _enrol(service: Service, photographs: PhotographSet) -> str:
    """Enrol every third photograph in a new collection; return where it is searched."""
    name = f"bench-{secrets.token_hex(4)}"
    service.call("POST", "/v1/collections", json={"name": name})
    for number, file in enumerate(photographs.files[::3]):
        path = f"/v1/collections/{name}/faces?subject=Person%20{number}&face_policy=largest"
        service.finish(service.submit(path, [file.read_bytes()]))
    return f"/v1/collections/{name}/recognitions"


def _served(turns: race.Turns) -> int:
    by_service = (race.SERVICE_SINGLE, race.SERVICE_BULK)
    return sum(turn.images for own in turns.values() for e in by_service for turn in own[e])


if __name__ == "__main__":
    main()
