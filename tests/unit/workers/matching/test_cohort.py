from __future__ import annotations

import numpy as np
import pytest

from app.domain.errors import WeightsError
from workers.matching.cohort import Cohort, cohort_path, read_cohort, write_cohort


def test_a_cohort_comes_back_normalised_and_nearly_as_it_was(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(50, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    path = cohort_path(tmp_path, "model-a")
    write_cohort(path, Cohort(np.asfortranarray(vectors), np.linspace(0.3, 0.9, 11)))
    found = read_cohort(path)
    assert np.abs((found.strangers * vectors).sum(axis=1) - 1).max() < 1e-5
    assert found.genuine.tolist() == pytest.approx(np.linspace(0.3, 0.9, 11), abs=1e-3)


@pytest.mark.parametrize("content", [None, b"", b"not a cohort"])
def test_a_missing_or_broken_cohort_is_named(tmp_path, content):
    path = tmp_path / "cohort.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"cohort\.safetensors"):
        read_cohort(path)
