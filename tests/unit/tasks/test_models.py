from __future__ import annotations

import pytest
from factories import model_profile

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.errors import ModelMismatchError, WeightsError
from tasks.models import ReadyModels

MAIN, OTHER = "facenet-msceleb-128", "facenet-casia-512"


class Pipeline:
    """Has the weights of some models."""

    def __init__(self, *installed):
        self.loaded = []
        self._installed = installed

    def load(self, model_id):
        if model_id not in self._installed:
            raise WeightsError(f"{model_id} is missing")
        self.loaded.append(model_id)


def _models(pipeline):
    profiles = {name: model_profile(name) for name in (MAIN, OTHER)}
    return ReadyModels(MAIN, pipeline, profiles, DEFAULT_WEIGHTS_DIR)


def test_the_main_model_costs_no_look_at_the_shelf():
    pipeline = Pipeline()
    models = _models(pipeline)
    assert models.get(MAIN) is models.main
    assert pipeline.loaded == []
    assert len(models.main.strangers()) > 100


def test_a_model_without_a_cohort_can_be_searched_by_and_not_trained_for():
    other = _models(Pipeline(OTHER)).get(OTHER)
    assert (other.id, other.cohort) == (OTHER, None)
    with pytest.raises(WeightsError, match="cohort"):
        other.strangers()


def test_without_a_pipeline_only_what_comes_with_a_model_counts():
    assert _models(None).get(OTHER).id == OTHER


@pytest.mark.parametrize("model_id", [OTHER, "of-another-installation"])
def test_a_model_that_is_not_installed_is_refused_with_the_command(model_id):
    with pytest.raises(ModelMismatchError, match=f"fetch_weights --model {model_id}"):
        _models(Pipeline()).get(model_id)
