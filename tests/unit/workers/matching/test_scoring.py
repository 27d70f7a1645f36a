from __future__ import annotations

import numpy as np
import pytest

from workers.matching.scoring import nearest_similarities, subject_prototypes

_FACES = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
_LABELS = np.array([0, 0, 1])


def test_a_prototype_is_the_direction_of_the_mean():
    first, second = subject_prototypes(_FACES, _LABELS)
    assert first.tolist() == pytest.approx([1.6 / np.hypot(1.6, 0.8), 0.8 / np.hypot(1.6, 0.8)])
    assert second.tolist() == [0, 1]


def test_the_nearest_face_speaks_for_its_subject():
    similarities = nearest_similarities(_FACES[2:], _FACES, _LABELS)
    assert similarities.tolist() == [pytest.approx([0.8, 1.0])]
