from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workers.evaluation.dataset import Photograph
from workers.evaluation.identification import Searches, intervals, search, summary, trial
from workers.evaluation.matchers import nearest
from workers.evaluation.splits import shuffled

_PHOTOGRAPHS = [
    Photograph("enrol", "Ann", "ann1"),
    Photograph("enrol", "Ann", "ann2"),
    Photograph("enrol", "Bob", "bob1"),
    Photograph("probe", "Ann", "ann3"),
    Photograph("probe", "Bob", "bob2"),
    Photograph("stranger", "Eve", "eve1"),
    Photograph("stranger", "Mallory", "mallory1"),
]
_DIRECTIONS = {
    "ann1": [1, 0, 0],
    "ann2": [0.8, 0.6, 0],
    "bob1": [0, 1, 0],
    "ann3": [0.8, 0, 0.6],
    "bob2": [1, 0, 0],
    "eve1": [0, 0, 1],
    "mallory1": [0, 0.8, 0.6],
}
_VECTORS = {name: np.array(v, dtype=np.float32) for name, v in _DIRECTIONS.items()}


def test_a_search_returns_the_nearest_face_of_the_best_subject():
    found = search(trial(_PHOTOGRAPHS, _VECTORS, ["Ann", "Bob"]), nearest)
    assert found.best.tolist() == pytest.approx([0.8, 1.0])
    assert found.right.tolist() == [True, False]  # Bob's second photograph looks like Ann
    assert found.strangers.tolist() == pytest.approx([0.0, 0.8])


def test_people_left_out_are_neither_enrolled_nor_searched_for():
    part = trial(_PHOTOGRAPHS, _VECTORS, ["Bob"])
    assert (len(part.vectors), len(part.probes), len(part.strangers)) == (1, 1, 2)


def test_searches_without_a_vector_are_counted():
    vectors = {name: v for name, v in _VECTORS.items() if name not in {"ann3", "eve1"}}
    part = trial(_PHOTOGRAPHS, vectors, ["Ann", "Bob"])
    assert (part.lost_probes, part.lost_strangers) == (1, 1)


def test_searches_for_a_person_who_could_not_be_enrolled_are_lost():
    vectors = {name: v for name, v in _VECTORS.items() if name != "bob1"}
    part = trial(_PHOTOGRAPHS, vectors, ["Ann", "Bob"])
    assert part.lost_probes == 1
    assert len(part.probes) == 1


def _searches(**lost):
    return Searches(
        subjects=np.array([0, 0, 1, 1]),
        best=np.array([0.9, 0.8, 0.4, 0.7]),
        right=np.array([True, True, True, False]),
        strangers=np.linspace(0, 0.5, 100),
        lost_probes=lost.get("probes", 0),
        lost_strangers=lost.get("strangers", 0),
    )


def test_rates_count_right_answers_over_the_threshold():
    found = _searches()
    assert found.dir_at(0.5) == 0.5
    assert found.dir_at(0.85) == 0.25
    assert found.fpir_at(0.5) == pytest.approx(0.01)


def test_lost_searches_lower_both_rates():
    found = _searches(probes=4, strangers=100)
    assert found.dir_at(0.5) == 0.25
    assert found.fpir_at(0.5) == pytest.approx(0.005)


def test_a_summary_takes_the_threshold_from_the_strangers():
    result = summary(_searches())
    assert result["rank1"] == 0.75
    assert result["threshold_at_fpir_1e-2"] > 0.49
    assert result["threshold_at_fpir_1e-3"] > 0.5
    assert result["dir_at_fpir_1e-3"] == 0.5


def test_the_interval_of_the_dir_spans_what_single_people_would_give():
    found = _searches()
    low, high = found.dir_interval(1.0)  # Ann is always named rightly, Bob half of the time
    assert (low, high) == (0.5, 1.0)


def test_without_a_stranger_over_the_threshold_the_interval_of_the_fpir_tells_how_few_there_are():
    found = replace(_searches(), thresholds={"1e-3": 0.6})
    low, high = intervals(found)["fpir_reached_for_1e-3_interval"]
    assert low == 0
    assert 0.03 < high < 0.04


def test_shuffled_photographs_keep_their_people_and_roles():
    chosen = shuffled(_PHOTOGRAPHS, np.random.default_rng(1))
    assert sorted((p.role, p.subject) for p in chosen) == sorted(
        (p.role, p.subject) for p in _PHOTOGRAPHS
    )
    assert chosen != _PHOTOGRAPHS
    assert {p.file for p in chosen} == set(_VECTORS)
    assert all(p.file.startswith(p.subject.lower()) for p in chosen)
