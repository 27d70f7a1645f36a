"""Everything that a recognition asks of the database for one probe, by the service's own code."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.catalogue.profiles import load_model_profiles
from app.domain.embedding import Embedding
from app.domain.job_parameters import RecognitionParameters
from app.services.recognition.match import prepare_matching
from tasks.strangers import Strangers

if TYPE_CHECKING:
    from uuid import UUID

    from app.services.ports import UnitOfWork, UnitOfWorkFactory
    from tests.bench.search_database import FilledCollection
    from tests.bench.search_vectors import Population


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """What identifying in one collection was like."""

    share: str
    subjects: int
    #: The one that the collection's own came to.
    matcher: str
    #: The first search, which may fit thresholds to the people enrolled.
    first_s: float
    seconds: list[float]


class _NoClassifiers:
    """Nobody has trained one here."""

    def get(self, work: UnitOfWork, training_id: UUID) -> None:
        """Find none."""


def identify(
    filled: FilledCollection,
    population: Population,
    *,
    model: str,
    seconds: float,
    uow: UnitOfWorkFactory,
) -> Identification:
    """Identify probes, each in a transaction of its own, for as long as the time allows.

    Two at least: the first is told by itself.
    """
    profile = load_model_profiles(DEFAULT_WEIGHTS_DIR)[model]
    cohort = Strangers(DEFAULT_WEIGHTS_DIR, model)
    spent: list[float] = []
    deadline = time.monotonic() + seconds
    for vector in population.probes:
        probe = Embedding(model=model, vector=tuple(vector.tolist()))
        begin = time.perf_counter()
        with uow() as work:
            basis = work.searches.basis(filled.collection_id)
            matching = prepare_matching(
                work,
                basis,
                RecognitionParameters(),
                model=profile,
                classifiers=_NoClassifiers(),
                cohort=cohort,
            )
            matching.judge(work, probe, limit=5)
            work.commit()
        spent.append(time.perf_counter() - begin)
        if time.monotonic() > deadline and len(spent) > 1:
            break
    return Identification(
        share=filled.share,
        subjects=len(filled.subject_ids),
        matcher=matching.matcher,
        first_s=spent[0],
        seconds=spent[1:],
    )
