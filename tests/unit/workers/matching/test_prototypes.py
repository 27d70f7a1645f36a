from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from app.domain.matching import ShareReading
from workers.matching.cohort import Cohort
from workers.matching.prototypes import fit_curve, prototype_shares, read_shares

_DIMENSION = 64


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _people(random, count):
    return _unit(random.normal(size=(count, _DIMENSION)))


def _seen_again(random, people):
    return _unit(people + random.normal(size=people.shape) * 0.6 / np.sqrt(_DIMENSION))


@pytest.fixture
def random():
    return np.random.default_rng(3)


@pytest.fixture
def cohort(random):
    return Cohort(_people(random, 400), np.linspace(0.6, 0.95, 50))


def test_a_person_gets_the_largest_share_of_their_own_photograph(random, cohort):
    people = _people(random, 20)
    shares = prototype_shares(_seen_again(random, people), people, cohort)
    assert shares.argmax(axis=1).tolist() == list(range(20))


def test_shares_leave_something_to_the_strangers(random, cohort):
    shares = prototype_shares(_people(random, 8), _people(random, 5), cohort)
    assert (shares.sum(axis=1) < 0.5).all()
    assert (shares > 0).all()


def test_a_probe_like_two_subjects_is_sure_of_neither(random, cohort):
    person = _people(random, 1)
    alone = prototype_shares(person, person, cohort)
    twice = prototype_shares(person, np.concatenate([person, person]), cohort)
    assert alone.max() > 0.9
    assert twice.max() == pytest.approx(0.5, abs=0.05)


def test_a_stranger_who_is_enrolled_after_all_does_not_take_their_share(random, cohort):
    enrolled = np.concatenate([cohort.strangers[:1], _people(random, 4)])
    shares = prototype_shares(enrolled[:1], enrolled, cohort)
    assert shares[0, 0] > 0.9


@pytest.mark.parametrize("count", [5, 50, 200])
def test_about_as_many_unseen_strangers_pass_as_the_target_says(random, cohort, count):
    people = _people(random, count)
    threshold = read_shares(people, cohort).threshold(0.01)
    shares = prototype_shares(_people(random, 20_000), people, cohort)
    passed = (shares.max(axis=1) >= threshold).mean()
    assert 0.005 <= passed <= 0.02


def test_enrolled_strangers_hardly_move_the_threshold(random, cohort):
    people = _people(random, 50)
    plain = read_shares(people, cohort)
    mixed = read_shares(np.concatenate([people, cohort.strangers[:2]]), cohort)
    passed = mixed.expected_fpir(plain.threshold(0.01))
    assert 0.005 <= passed <= 0.02


def test_a_threshold_and_its_expected_rate_are_each_others_inverse():
    reading = ShareReading(tail_start=-3, tail_mean=0.5, slope=2, intercept=1, subjects=5)
    assert reading.expected_fpir(reading.threshold(0.004)) == pytest.approx(0.004)


def test_probability_grows_with_the_share_between_nought_and_one(random, cohort):
    people = _people(random, 20)
    reading = read_shares(people, cohort)
    stated = [reading.probability(share) for share in (0.0, 1e-4, 0.1, 0.9, 1.0)]
    assert stated == sorted(stated)
    assert stated[0] >= 0
    assert stated[-1] <= 1
    own = prototype_shares(_seen_again(random, people), people, cohort).max(axis=1)
    others = prototype_shares(_people(random, 200), people, cohort).max(axis=1)
    assert np.mean([reading.probability(share) for share in own.tolist()]) > 0.95
    assert np.mean([reading.probability(share) for share in others.tolist()]) < 0.05


def test_the_curve_is_the_one_that_a_library_fits_without_regularisation(random):
    genuine, strangers = random.normal(3, 2, 300), random.normal(-2, 2, 2000)
    library = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8).fit(
        np.concatenate([genuine, strangers])[:, None], np.repeat([1, 0], [300, 2000])
    )
    expected = library.coef_[0, 0], library.intercept_[0]
    assert fit_curve(genuine, strangers) == pytest.approx(expected, rel=1e-4)


def test_a_curve_between_classes_that_do_not_meet_is_steep_and_finite(random):
    slope, intercept = fit_curve(random.normal(30, 1, 50), random.normal(-30, 1, 50))
    assert 0.5 < slope < 100
    assert np.isfinite(intercept)
