"""Throughput of everything that takes part, in rounds: each round has each of them once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import click

from tests.bench.backlog import work_off
from tests.bench.contestants import Turn, crew
from tests.bench.own_pipeline import default, pipeline_loop
from tests.bench.reference import careful_loop, readme_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from tests.bench.contestants import Analyse, Crew
    from tests.bench.photographs import PhotographSet
    from tests.bench.service import Service

README = "facenet-pytorch, README loop, 1 thread"
CAREFUL = "facenet-pytorch, same work as ours, 1 thread"
ONE_BY_ONE = "pipeline in process, 1 thread, one by one"
BATCHED = "pipeline in process, 1 thread, batched"
ALL_CORES = "pipeline in process, a process per core, batched"
SERVICE_SINGLE = "service over HTTP, one image a job"
SERVICE_BULK = "service over HTTP, 32 images a job"

_BULK = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One that takes part."""

    name: str
    run: Callable[[Sequence[Path]], Turn]
    #: Processors that it can keep busy.
    cores: int
    #: How many times it goes over a set in one turn: the fast ones need more for a good figure.
    repeats: int


#: Turns by set and entry, in the order of the rounds.
Turns: TypeAlias = dict[str, dict[str, list[Turn]]]


def start_crews(stack: ExitStack, *, cores: int) -> dict[str, Crew]:
    """Start every contestant that runs in processes of the benchmark's own."""
    batch = int(default("batch_size"))
    own: Callable[..., Analyse] = pipeline_loop
    makers: dict[str, tuple[Callable[[], Analyse], int]] = {
        README: (partial(readme_loop, threads=1), 1),
        CAREFUL: (
            partial(
                careful_loop,
                threads=1,
                model=str(default("model")),
                min_face_size=int(default("min_face_size")),
            ),
            1,
        ),
        ONE_BY_ONE: (partial(own, threads=1, batch=1), 1),
        BATCHED: (partial(own, threads=1, batch=batch), 1),
        ALL_CORES: (partial(own, threads=1, batch=batch), cores),
    }
    return {
        name: stack.enter_context(crew(make, processes=processes))
        for name, (make, processes) in makers.items()
    }


def entries(crews: dict[str, Crew], service: Service, path: str, *, cores: int) -> list[Entry]:
    """Return everything that takes part; ``path`` is where recognitions are submitted."""
    uses = dict.fromkeys(crews, 1) | {ALL_CORES: cores}
    slow = {README, CAREFUL}
    return [
        *(
            Entry(name, members.turn, uses[name], 1 if name in slow else 4)
            for name, members in crews.items()
        ),
        Entry(SERVICE_SINGLE, partial(_serve, service, path, 1), cores, 4),
        Entry(SERVICE_BULK, partial(_serve, service, path, _BULK), cores, 4),
    ]


def race(
    taking_part: Sequence[Entry],
    sets: Sequence[PhotographSet],
    *,
    rounds: int,
    deadline: float,
) -> Turns:
    """Hold rounds until there are enough or the next would pass the deadline; one at least.

    Each round begins with another contestant. ``deadline`` is a moment of ``time.monotonic``.
    """
    turns: Turns = {
        photographs.name: {entry.name: [] for entry in taking_part} for photographs in sets
    }
    longest = 0.0
    for number in range(rounds):
        begin = time.monotonic()
        if number and begin + longest > deadline:
            click.echo(f"  no time for round {number + 1} of {rounds}")
            break
        order = [*taking_part[number:], *taking_part[:number]]
        for photographs in sets:
            for entry in order:
                turn = entry.run([*photographs.files] * entry.repeats)
                turns[photographs.name][entry.name].append(turn)
                click.echo(
                    f"  round {number + 1}, {photographs.name}, {entry.name}: "
                    f"{turn.images_per_s:.1f} images/s"
                )
        longest = max(longest, time.monotonic() - begin)
    return turns


def _serve(service: Service, path: str, per_job: int, files: Sequence[Path]) -> Turn:
    images = [file.read_bytes() for file in files]
    done = work_off(service, path, images, per_job=per_job)
    return Turn(done.images, done.elapsed_s, done.cpu_s.total(), dict(done.cpu_s))
