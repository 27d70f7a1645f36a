from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.identity import new_id
from app.domain.matching import PROTOTYPE_SCALE
from tasks.strangers import Strangers
from tests.analyses import analysed, embedding, unit_vectors
from workers.matching.cohort import cohort_path, read_cohort
from workers.matching.prototypes import prototype_shares, read_shares


def _enrol(uow, collection, name, *vectors):
    face_ids = []
    with uow() as work:
        subject = work.subjects.ensure(collection.id, name)
        for vector in vectors:
            face_ids.append(  # noqa: PERF401
                work.faces.add(
                    collection_id=collection.id,
                    subject_id=subject.id,
                    job_id=new_id(),
                    image_number=0,
                    image_id=None,
                    face=analysed(vector),
                    expires_at=None,
                )
            )
        work.commit()
    return face_ids


def _prototypes(uow, collection):
    with uow() as work:
        return [
            np.array(vector)
            for _, vector in work.subjects.prototypes(collection.id, collection.model)
        ]


def _mean(*vectors):
    mean = np.mean(vectors, axis=0)
    return mean / np.linalg.norm(mean)


def test_a_prototype_is_the_mean_of_the_faces_that_there_are(uow, collection):
    a, b, c = unit_vectors(3)
    _, second, _ = _enrol(uow, collection, "Ann", a, b, c)
    [stored] = _prototypes(uow, collection)
    assert stored == pytest.approx(_mean(a, b, c), abs=1e-5)
    with uow() as work:
        work.erasures.people(collection.id, face_ids=[second])
        work.commit()
    [stored] = _prototypes(uow, collection)
    assert stored == pytest.approx(_mean(a, c), abs=1e-5)


def test_a_subject_without_faces_has_no_prototype(uow, collection):
    [a] = unit_vectors(1)
    [face_id] = _enrol(uow, collection, "Ann", a)
    with uow() as work:
        work.erasures.people(collection.id, face_ids=[face_id])
        work.commit()
        assert work.subjects.count_enrolled(collection.id, up_to=1) == 0
    assert _prototypes(uow, collection) == []


def test_a_face_that_changes_its_subject_changes_both_prototypes(uow, collection):
    a, b, c = unit_vectors(3)
    _, moved = _enrol(uow, collection, "Ann", a, b)
    _enrol(uow, collection, "Bob", c)
    with uow() as work:
        bob = work.subjects.find(collection.id, "Bob")
        work.faces.relabel(moved, subject_id=bob.id, rejected_subject_id=None)
        work.commit()
        stored = dict(work.subjects.prototypes(collection.id, collection.model))
    assert np.array(stored.pop(bob.id)) == pytest.approx(_mean(b, c), abs=1e-5)
    [ann] = stored.values()
    assert np.array(ann) == pytest.approx(a, abs=1e-5)


def test_faces_enrolled_at_the_same_time_all_count(uow, collection):
    vectors = unit_vectors(16)
    _enrol(uow, collection, "Ann", vectors[0])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda vector: _enrol(uow, collection, "Ann", vector), vectors[1:]))
    [stored] = _prototypes(uow, collection)
    assert stored == pytest.approx(_mean(*vectors), abs=1e-5)


def test_shares_are_those_of_a_softmax_with_the_background(uow, collection):
    people = unit_vectors(5)
    for number, vector in enumerate(people):
        _enrol(uow, collection, f"person {number}", vector)
    probe = _mean(people[0], people[1])
    background = 3 * math.exp(-PROTOTYPE_SCALE)
    with uow() as work:
        shares = work.subjects.nearest(
            embedding(probe), collection.id, background=background, limit=2
        )
    powers = np.exp(PROTOTYPE_SCALE * (people @ probe - 1))
    expected = np.sort(powers / (powers.sum() + background))[::-1]
    assert [one.share for one in shares] == pytest.approx(expected[:2].tolist(), rel=1e-4)


def test_the_search_scores_as_the_evaluation_does(uow, collection):
    people = unit_vectors(20).astype(np.float32)
    for number, vector in enumerate(people):
        _enrol(uow, collection, f"person {number}", vector)
    cohort = read_cohort(cohort_path(DEFAULT_WEIGHTS_DIR, collection.model))
    strangers = Strangers(DEFAULT_WEIGHTS_DIR, collection.model)
    probe = _mean(people[0], cohort.strangers[0]).astype(np.float32)
    with uow() as work:
        [first, *_] = work.subjects.nearest(
            embedding(probe),
            collection.id,
            background=strangers.background(embedding(probe)),
            limit=5,
        )
        reading = strangers.read(
            [vector for _, vector in work.subjects.prototypes(collection.id, collection.model)]
        )
    expected = prototype_shares(probe[None], people, cohort)[0]
    assert first.subject == f"person {expected.argmax()}"
    assert first.share == pytest.approx(expected.max(), rel=1e-3)
    assert reading.threshold(0.01) == pytest.approx(
        read_shares(people, cohort).threshold(0.01), rel=1e-3
    )
