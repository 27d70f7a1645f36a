"""One collection searched by the repository that the service searches with."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.domain.detection import AnalysedFace, Detection
from app.domain.embedding import Embedding
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.services.identity import new_id
from app.storage import faces as faces_module
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
) -> Search:
    """Search for every probe, or for as many as the time allows; compare with all faces.

    ``way`` is ``exact`` or ``index``, or ``None`` for the one that the service chooses.
    """
    vectors = population.vectors[filled.faces]
    subjects = population.subjects[filled.faces]
    found_shares: list[float] = []
    spent: list[float] = []
    deadline = time.monotonic() + seconds
    with _searching(way) as limit:
        for probe in [*population.probes[:_WARM_UP], *population.probes]:
            embedding = Embedding(model=model, vector=tuple(probe.tolist()))
            begin = time.perf_counter()
            with uow() as work:
                found = work.faces.nearest_subjects(embedding, filled.collection_id, limit=LIMIT)
            spent.append(time.perf_counter() - begin)
            expected = nearest_subjects(vectors, subjects, probe, limit=LIMIT)
            expected_ids = {filled.subject_ids[number] for number in expected}
            hits = expected_ids & {candidate.subject_id for candidate in found}
            found_shares.append(len(hits) / len(expected_ids))
            if time.monotonic() > deadline and len(spent) > 2 * _WARM_UP:
                break
    chosen = "exact" if len(filled.faces) <= limit else "index"
    return Search(
        share=filled.share,
        faces=len(filled.faces),
        way=f"{chosen}, as chosen" if way is None else way,
        recall=float(np.mean(found_shares[_WARM_UP:])),
        seconds=spent[_WARM_UP:],
    )


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
        subject_id = next(iter(filled.subject_ids.values()))
        while not stop.wait(0.02):
            vector = random.standard_normal(dimension)
            begin = time.perf_counter()
            with uow() as work:
                work.faces.add(
                    collection_id=filled.collection_id,
                    subject_id=subject_id,
                    job_id=new_id(),
                    image_number=0,
                    image_id=None,
                    face=_face(model, vector / np.linalg.norm(vector)),
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
    before = faces_module.EXACT_LIMIT
    if way is not None:
        faces_module.EXACT_LIMIT = 10**9 if way == "exact" else 0
    try:
        yield faces_module.EXACT_LIMIT
    finally:
        faces_module.EXACT_LIMIT = before


def _face(model: str, vector: np.ndarray) -> AnalysedFace:
    point = Point(1.0, 1.0)
    return AnalysedFace(
        detection=Detection(
            box=BoundingBox(x_min=0, y_min=0, x_max=2, y_max=2),
            landmarks=FiveLandmarks(
                image_left_eye=point,
                image_right_eye=point,
                nose=point,
                image_left_mouth=point,
                image_right_mouth=point,
            ),
            confidence=0.9,
        ),
        embedding=Embedding(model=model, vector=tuple(vector.tolist())),
    )
