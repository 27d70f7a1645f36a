from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest

from app.domain.training import LabelledFace, Training, TrainingData
from workers.matching.retraining import fit_anew

_DIMENSION = 64
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def strangers():
    return _unit(np.random.default_rng(1).normal(size=(300, _DIMENSION)))


class People:
    """Draws faces of made-up people; every fourth face is held out."""

    def __init__(self, count):
        self._random = np.random.default_rng(5)
        self._centres = self._random.normal(size=(count, _DIMENSION))
        self.ids = sorted(uuid4() for _ in range(count))
        self._drawn = 0

    def faces(self, shown, count, *, named=None, day=0):
        """Draw faces that show one person and may bear the name of another."""
        noise = 0.6 * self._random.normal(size=(count, _DIMENSION))
        for vector in _unit(self._centres[shown] + noise):
            self._drawn += 1
            yield LabelledFace(
                id=UUID(int=self._drawn),
                subject_id=self.ids[shown if named is None else named],
                vector=vector.tolist(),
                created_at=_START + timedelta(days=day),
            )


@pytest.fixture
def people():
    return People(12)


def _first_faces(people, among=range(8)):
    return [face for person in among for face in people.faces(person, 8)]


def _training(fit, day=1):
    return Training(
        id=uuid4(),
        collection_id=uuid4(),
        model="a model",
        version=1,
        subject_ids=fit.subject_ids,
        face_count=fit.face_count,
        weights=fit.weights,
        metrics=fit.metrics,
        created_at=_START + timedelta(days=day),
    )


def _fit(faces, strangers, active=None):
    return fit_anew(TrainingData(faces=faces, target_fpir=0.01, active=active), strangers)


def test_a_first_fit_tells_how_it_did_on_the_faces_held_out(people, strangers):
    fit = _fit(_first_faces(people), strangers)
    assert fit.better is None
    assert fit.metrics["held_out_faces"] == 16
    assert fit.metrics["held_out_rank1"] == 1
    assert 0 < fit.metrics["held_out_dir"] <= 1
    assert "compared_dir" not in fit.metrics


def test_a_fit_on_the_same_faces_is_as_good_as_before(people, strangers):
    faces = _first_faces(people)
    active = _training(_fit(faces, strangers))
    again = _fit(faces, strangers, active)
    assert again.metrics["compared_faces"] == 16
    assert again.metrics["compared_dir"] == again.metrics["compared_dir_before"]
    assert again.better is None


def test_faces_under_a_wrong_name_make_a_fit_worse(people, strangers):
    faces = _first_faces(people)
    active = _training(_fit(faces, strangers))
    wrong = [
        face for person in range(4) for face in people.faces(person, 24, named=person + 4, day=2)
    ]
    fit = _fit(faces + wrong, strangers, active)
    assert fit.metrics["compared_dir"] < fit.metrics["compared_dir_before"]
    assert fit.better == active.id


def test_more_people_alone_do_not_make_a_fit_worse(people, strangers):
    faces = _first_faces(people)
    active = _training(_fit(faces, strangers))
    more = [face for person in range(8, 12) for face in people.faces(person, 8, day=2)]
    fit = _fit(faces + more, strangers, active)
    assert fit.metrics["compared_faces"] == 16
    assert len(fit.subject_ids) == 12
    assert fit.better is None


def test_putting_wrong_names_right_makes_a_fit_better(people, strangers):
    faces = _first_faces(people)
    wrong = [face for person in range(4) for face in people.faces(person, 8, named=person + 4)]
    active = _training(_fit(faces + wrong, strangers))
    right = [
        LabelledFace(
            id=face.id,
            subject_id=people.ids[people.ids.index(face.subject_id) - 4],
            vector=face.vector,
            created_at=face.created_at,
        )
        for face in wrong
    ]
    fit = _fit(faces + right, strangers, active)
    assert fit.metrics["compared_dir"] > fit.metrics["compared_dir_before"]
    assert fit.better is None


def test_without_a_face_that_both_kept_out_nothing_is_compared(people, strangers):
    faces = [face for person in range(3) for face in people.faces(person, 1)]
    active = _training(_fit(faces, strangers))
    assert "compared_dir" not in _fit(faces, strangers, active).metrics
