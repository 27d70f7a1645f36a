from __future__ import annotations

import numpy as np
import pytest

from workers.matching.classifier import LogisticClassifier, Rehearsal, fit_classifier

_PEOPLE, _FACES, _DIMENSION = 12, 4, 32


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def faces():
    """Unit vectors in tight groups, one for each person."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(_PEOPLE, _DIMENSION))
    labels = np.repeat(np.arange(_PEOPLE), _FACES)
    return _unit(centres[labels] + 0.3 * random.normal(size=(len(labels), _DIMENSION))), labels


def _strangers(count, seed=1):
    return _unit(np.random.default_rng(seed).normal(size=(count, _DIMENSION)))


def _fitted(vectors, labels, held_out=None):
    if held_out is None:
        held_out = np.zeros(len(labels), dtype=bool)
    return fit_classifier(vectors, labels, held_out, _strangers(400))


def _rates(weights, vectors, labels, among=None, target_fpir=0.01):
    numbers = np.arange(_PEOPLE)
    return Rehearsal(weights, numbers).rates(
        vectors,
        labels,
        _strangers(400),
        among=numbers if among is None else np.array(among),
        target_fpir=target_fpir,
    )


def test_a_stored_classifier_names_the_people_it_was_fitted_on(faces):
    vectors, labels = faces
    shares = LogisticClassifier(_fitted(vectors, labels)).shares(vectors)
    assert shares.argmax(axis=1).tolist() == labels.tolist()


def test_shares_add_up_to_one(faces):
    vectors, labels = faces
    shares = LogisticClassifier(_fitted(vectors, labels)).shares(vectors[:1])
    assert shares.shape == (1, _PEOPLE)
    assert shares.sum() == pytest.approx(1, abs=1e-5)


def test_two_people_are_enough(faces):
    vectors, labels = faces
    two = labels < 2
    shares = LogisticClassifier(_fitted(vectors[two], labels[two])).shares(vectors[two])
    assert shares.argmax(axis=1).tolist() == labels[two].tolist()


@pytest.mark.parametrize("target", [0.05, 0.01])
def test_about_as_many_unseen_strangers_pass_as_any_target_says(faces, target):
    classifier = LogisticClassifier(_fitted(*faces))
    best = classifier.shares(_strangers(20_000, seed=2)).max(axis=1)
    assert target / 2 <= (best >= classifier.tail.threshold(target)).mean() <= target * 2


def test_a_rehearsal_names_faces_that_it_has_not_seen(faces):
    vectors, labels = faces
    held_out = np.arange(len(labels)) % _FACES == 0
    weights = _fitted(vectors, labels, held_out)
    rates = _rates(weights, vectors[held_out], labels[held_out])
    assert rates.rank1 == 1
    assert rates.identified > 0.5


def test_a_rehearsal_has_not_learnt_who_is_on_the_faces_held_out(faces):
    vectors, labels = faces
    held_out = np.arange(len(labels)) % _FACES == 0
    wrong = np.where(held_out, (labels + 1) % _PEOPLE, labels)
    weights = _fitted(vectors, wrong, held_out)
    assert _rates(weights, vectors[held_out], labels[held_out]).rank1 == 1
    assert _rates(weights, vectors[held_out], wrong[held_out]).rank1 == 0


def test_a_rarer_target_identifies_no_more(faces):
    vectors, labels = faces
    held_out = np.arange(len(labels)) % _FACES == 0
    weights = _fitted(vectors, labels, held_out)
    found = [
        _rates(weights, vectors[held_out], labels[held_out], target_fpir=target).identified
        for target in (0.1, 0.01, 1e-6)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0]


def test_only_the_people_asked_for_are_named(faces):
    vectors, labels = faces
    weights = _fitted(vectors, labels)
    of_others = labels >= 6
    assert _rates(weights, vectors[of_others], labels[of_others], among=range(6)).rank1 == 0
    assert _rates(weights, vectors[~of_others], labels[~of_others], among=range(6)).rank1 == 1


def test_a_rehearsal_without_two_people_knows_nobody(faces):
    vectors, labels = faces
    two = labels < 2
    weights = _fitted(vectors[two], labels[two], labels[two] == 1)
    assert Rehearsal(weights, np.arange(2)).classes.size == 0
