from types import SimpleNamespace

import pytest

from app.domain.errors import WeightsError
from workers.embedders.shelf import EmbedderShelf


class Named:
    """Embeds nothing."""

    def __init__(self, model_id):
        self.card = SimpleNamespace(id=model_id)

    def embed(self, crops):
        raise AssertionError("the shelf embeds nothing")


@pytest.fixture
def loaded():
    return []


@pytest.fixture
def shelf(loaded):
    def load(model_id):
        if model_id == "none":
            raise WeightsError("none is missing")
        loaded.append(model_id)
        return Named(model_id)

    return EmbedderShelf(Named("main"), load, others=2)


def test_the_main_model_is_never_loaded_again(shelf, loaded):
    assert shelf.get("main") is shelf.main
    assert loaded == []


def test_a_model_is_loaded_when_it_is_first_asked_for_and_kept(shelf, loaded):
    assert shelf.get("a") is shelf.get("a")
    assert loaded == ["a"]


def test_what_was_used_longest_ago_makes_room(shelf, loaded):
    for model_id in ("a", "b", "a", "c", "a", "b"):
        shelf.get(model_id)
    assert loaded == ["a", "b", "c", "b"]


def test_a_model_that_cannot_be_loaded_is_refused_each_time(shelf, loaded):
    for _ in range(2):
        with pytest.raises(WeightsError):
            shelf.get("none")
    assert shelf.get("a").card.id == "a"
