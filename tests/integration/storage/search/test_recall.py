"""The search finds whom a comparison with every face finds, among 20,000 like real ones."""

from __future__ import annotations

import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.identity import new_id
from tests.bench.search_database import FilledCollection, analyse, build_index, fill, make_tables
from tests.bench.search_measure import measure
from tests.bench.search_vectors import populate
from workers.matching.cohort import cohort_path, read_cohort

MODEL = "facenet-msceleb-128"
FACES = 20_000


@pytest.fixture(scope="module")
def population():
    cohort = read_cohort(cohort_path(DEFAULT_WEIGHTS_DIR, MODEL))
    return populate(FACES, dimension=128, probes=40, cohort=cohort)


def _part(population, people):
    return FilledCollection(
        share="",
        collection_id=new_id(),
        faces=np.flatnonzero(np.isin(population.subjects, people)),
        subject_ids={int(number): new_id() for number in people},
    )


def test_a_hundredth_of_the_faces_and_the_rest_are_searched_as_well_as_by_comparing_all(
    migrated_url, engine, uow, population
):
    people = np.unique(population.subjects)
    small = _part(population, people[: len(people) // 100])
    large = _part(population, people[len(people) // 100 :])
    make_tables(migrated_url, 128)
    fill(migrated_url, [small, large], population, model=MODEL, uow=uow)
    build_index(engine, 128, memory="512MB")
    analyse(engine)
    for collection, way in ((small, None), (large, "index")):
        found = measure(collection, population, model=MODEL, way=way, seconds=60, uow=uow)
        assert found.recall >= 0.995
