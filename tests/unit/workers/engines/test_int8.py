import numpy as np
import openvino
import pytest
from openvino import opset13

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.errors import WeightsError
from workers.engines.int8 import convolutions, largest_inputs, quantise
from workers.engines.openvino_engine import OpenVinoEngine
from workers.engines.openvino_files import openvino_paths

MODEL = "facenet-msceleb-128"


@pytest.fixture
def branches():
    """Two convolutions that look at one input, which is not negative."""
    chance = np.random.default_rng(0)
    pixels = opset13.parameter([1, 3, 8, 8], np.float32)
    found = []
    for name in ("one", "other"):
        kernel = chance.uniform(-0.3, 0.3, (4, 3, 3, 3)).astype(np.float32)
        convolved = opset13.convolution(pixels, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
        shifted = opset13.add(convolved, np.ones((1, 4, 1, 1), np.float32))
        shifted.set_friendly_name(f"__module.network.{name}.bn/aten::batch_norm")
        found.append(shifted)
    return openvino.Model([opset13.concat(found, 1)], [pixels])


def run(model, inputs):
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return next(iter(openvino.compile_model(model, "CPU", options)(inputs).values()))


def test_named_convolutions_are_rounded_and_the_others_are_exact(branches):
    inputs = np.random.default_rng(0).uniform(0, 2, (1, 3, 8, 8)).astype(np.float32)
    exact = run(branches, inputs)

    quantise(branches, {"one": 2.0})

    moved = np.abs(run(branches, inputs) - exact).max(axis=(0, 2, 3))
    assert (moved[:4] > 1e-5).all()
    assert (moved[:4] < 0.03).all()
    assert (moved[4:] < 1e-5).all()


def test_branches_share_their_rounded_input(branches):
    quantise(branches, {"one": 2.0, "other": 2.0})

    rounded = [n for n in branches.get_ordered_ops() if n.get_type_name() == "FakeQuantize"]
    assert len(rounded) == 3


def test_layer_that_is_not_there_is_an_error(branches):
    with pytest.raises(WeightsError, match="conv9"):
        quantise(branches, {"conv9": 1.0})


def test_ranges_fit_the_default_model():
    graph, _ = openvino_paths(DEFAULT_WEIGHTS_DIR, MODEL)
    names = [name for name, _ in convolutions(openvino.Core().read_model(graph))]

    largest = largest_inputs(DEFAULT_WEIGHTS_DIR, MODEL)

    assert len(set(names)) == len(names)
    assert 0 < len(largest) < len(names)
    assert largest.keys() <= set(names)


def test_network_without_ranges_stays_as_it_is():
    crops = np.random.default_rng(0).uniform(-1, 1, (4, 24, 24, 4)).astype(np.float32)
    engines = [OpenVinoEngine(DEFAULT_WEIGHTS_DIR, int8=int8) for int8 in (False, True)]

    (plain, _), (other, _) = (e.load("rnet", side=24, batch_sizes=(4,))(crops) for e in engines)

    np.testing.assert_array_equal(plain, other)


@pytest.mark.parametrize("content", [None, "not toml", "[x\n"])
def test_ranges_that_cannot_be_read_are_an_error(tmp_path, content):
    if content is not None:
        (tmp_path / "int8.toml").write_text(content)

    with pytest.raises(WeightsError, match=r"int8\.toml"):
        largest_inputs(tmp_path, MODEL)
