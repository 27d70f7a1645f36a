"""What takes part, and the processes that each runs in: one's threads must not disturb another."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    import numpy as np

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The faces found on one photograph."""

    boxes: np.ndarray
    vectors: np.ndarray
    #: The part of the detection's time that went to stand-ins for torchvision's functions.
    stand_in_share: float = 0.0


Analyse: TypeAlias = Callable[[Sequence[Path]], list[Seen]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One contestant's go at a set."""

    images: int
    elapsed_s: float
    #: Of all its processes together; less disturbed by others on the machine than the time.
    cpu_s: float
    #: The same by part of the service, where it is the service that ran.
    cpu_by_part: dict[str, float] = field(default_factory=dict)

    @property
    def images_per_s(self) -> float:
        return self.images / self.elapsed_s


class Crew:
    """Processes that share out the files of each turn."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def turn(self, files: Sequence[Path]) -> Turn:
        """Analyse the files once and tell how long it took."""
        shares = [files[number :: len(self._pipes)] for number in range(len(self._pipes))]
        begin = time.perf_counter()
        for pipe, share in zip(self._pipes, shares, strict=True):
            pipe.send((share, False))
        cpu_s = sum(_answer(pipe)[1] for pipe in self._pipes)
        return Turn(len(files), time.perf_counter() - begin, cpu_s)

    def time_one(self, file: Path) -> float:
        """Return the seconds that the first process takes over one file, messages left out."""
        self._pipes[0].send(([file], False))
        return _answer(self._pipes[0])[0]

    def look(self, files: Sequence[Path]) -> list[Seen]:
        """Return what the first process sees."""
        self._pipes[0].send((files, True))
        return _answer(self._pipes[0])[2]


@contextmanager
def crew(make: Callable[[], Analyse], *, processes: int = 1) -> Iterator[Crew]:
    """Start processes that each call ``make`` once; stop them at the end."""
    context = multiprocessing.get_context("spawn")
    pipes, members = [], []
    try:
        for _ in range(processes):
            ours, theirs = context.Pipe()
            member = context.Process(target=_serve, args=(make, theirs), daemon=True)
            member.start()
            theirs.close()
            pipes.append(ours)
            members.append(member)
        for pipe in pipes:
            _answer(pipe)
        yield Crew(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for member in members:
            member.join(timeout=10)
            if member.is_alive():
                member.kill()
                member.join()


def _answer(pipe: Connection) -> tuple[float, float, list[Seen]]:
    if not pipe.poll(_PATIENCE_S):
        raise TimeoutError("a process of the benchmark does not answer")
    answer: tuple[float, float, list[Seen]] = pipe.recv()
    return answer


def _serve(make: Callable[[], Analyse], pipe: Connection) -> None:
    analyse = make()
    pipe.send((0.0, 0.0, []))
    while True:
        try:
            files, wanted = pipe.recv()
        except EOFError:
            return
        begin, cpu = time.perf_counter(), _cpu_s()
        seen = analyse(files)
        spent = time.perf_counter() - begin, _cpu_s() - cpu
        pipe.send((*spent, seen if wanted else []))


def _cpu_s() -> float:
    """Return the processor time of this process and of those that it started, as its decoder."""
    children = psutil.Process().children()
    return time.process_time() + sum(sum(child.cpu_times()[:2]) for child in children)
