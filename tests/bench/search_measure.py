"""One collection searched by the repository that the service searches with."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.domain.embedding import Embedding
from app.domain.identity import new_id
from app.storage.search import face_search
from tests.analyses import analysed
from tests.bench.search_vectors import nearest_subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.services.ports import UnitOfWorkFactory
    from tests.bench.search_database import FilledCollection
    from tests.bench.search_vectors import Population

LIMIT = 10
_WARM_UP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What searching one collection was like."""

    share: str
    faces: int
    way: str
    #: Share of the ten nearest subjects that were found, over all probes.
    recall: float
    seconds: list[float]


def measure(
    filled: FilledCollection,
    population: Population,
    *,
    model: str,
    way: str | None,
    seconds: float,
    uow: UnitOfWorkFactory,
    searchers: int = 1,
) -> Search:
    """Search for every probe, or for as many as the time allows; compare with all faces.

    ``way`` is ``exact`` or ``index``, or ``None`` for the one that the service chooses. Several
    searchers take turns at the probes.
    """
    answers: dict[int, set[object]] = {}
    spent: list[float] = []
    order = iter([*range(_WARM_UP), *range(len(population.probes))])
    turns = threading.Lock()
    deadline = time.monotonic() + seconds

    def search() -> None:
        while time.monotonic() < deadline or len(spent) <= 2 * _WARM_UP:
            with turns:
                number = next(order, None)
            if number is None:
                break
            probe = Embedding(model=model, vector=tuple(population.probes[number].tolist()))
            begin = time.perf_counter()
            with uow() as work:
                found = work.faces.nearest_subjects(probe, filled.collection_id, limit=LIMIT)
            spent.append(time.perf_counter() - begin)
            answers[number] = {candidate.subject_id for candidate in found}

    with _searching(way) as limit:
        threads = [threading.Thread(target=search) for _ in range(searchers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    chosen = "exact" if len(filled.faces) <= limit else "index"
    return Search(
        share=filled.share,
        faces=len(filled.faces),
        way=f"{chosen}, as chosen" if way is None else way,
        recall=_recall(filled, population, answers),
        seconds=spent[_WARM_UP:],
    )


def _recall(
    filled: FilledCollection, population: Population, answers: dict[int, set[object]]
) -> float:
    vectors = population.vectors[filled.faces]
    subjects = population.subjects[filled.faces]
    shares = []
    for number, found in answers.items():
        expected = nearest_subjects(vectors, subjects, population.probes[number], limit=LIMIT)
        hits = found & {filled.subject_ids[subject] for subject in expected}
        shares.append(len(hits) / len(expected))
    return float(np.mean(shares))


@contextmanager
def enrolling(
    filled: FilledCollection, *, model: str, uow: UnitOfWorkFactory
) -> Iterator[list[float]]:
    """Enrol faces one after the other in the meantime; the list fills with the seconds of each."""
    seconds: list[float] = []
    stop = threading.Event()

    def enrol() -> None:
        random = np.random.default_rng(5)
        dimension = int(model.rpartition("-")[2])
        people = list(filled.subject_ids.values())
        while not seconds or not stop.is_set():
            vector = random.standard_normal(dimension)
            begin = time.perf_counter()
            with uow() as work:
                work.faces.add(
                    collection_id=filled.collection_id,
                    subject_id=people[len(seconds) % len(people)],
                    job_id=new_id(),
                    image_number=0,
                    image_id=None,
                    face=analysed(vector / np.linalg.norm(vector), model),
                    expires_at=None,
                )
                work.commit()
            seconds.append(time.perf_counter() - begin)

    thread = threading.Thread(target=enrol)
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


@contextmanager
def _searching(way: str | None) -> Iterator[int]:
    """Make the repository take one way; give the number of faces up to which it is exact."""
    before = face_search.EXACT_LIMIT
    if way is not None:
        face_search.EXACT_LIMIT = 10**9 if way == "exact" else 0
    try:
        yield face_search.EXACT_LIMIT
    finally:
        face_search.EXACT_LIMIT = before
