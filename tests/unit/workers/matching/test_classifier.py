from __future__ import annotations

import numpy as np
import pytest

from workers.matching.classifier import LogisticClassifier, fit_classifier

_PEOPLE, _FACES, _DIMENSION = 12, 4, 32


@pytest.fixture(scope="module")
def faces():
    """Unit vectors in tight groups, one for each person."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(_PEOPLE, _DIMENSION))
    labels = np.repeat(np.arange(_PEOPLE), _FACES)
    vectors = centres[labels] + 0.3 * random.normal(size=(len(labels), _DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), labels


def test_a_stored_classifier_names_the_people_it_was_fitted_on(faces):
    vectors, labels = faces
    classifier = LogisticClassifier(fit_classifier(vectors, labels).weights)
    named = [int(classifier.shares(vector).argmax()) for vector in vectors]
    assert named == labels.tolist()


def test_shares_add_up_to_one(faces):
    vectors, labels = faces
    classifier = LogisticClassifier(fit_classifier(vectors, labels).weights)
    assert classifier.shares(vectors[0]).sum() == pytest.approx(1, abs=1e-5)
    assert len(classifier.shares(vectors[0])) == _PEOPLE


def test_two_people_are_enough(faces):
    vectors, labels = faces
    two = labels < 2
    classifier = LogisticClassifier(fit_classifier(vectors[two], labels[two]).weights)
    named = [int(classifier.shares(vector).argmax()) for vector in vectors[two]]
    assert named == labels[two].tolist()
