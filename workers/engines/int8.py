"""Convolutions in eight bits, where the outputs move little more by it than by bf16.

Which ones those are, and the largest value that each has seen, stands in
``models_weights/int8.toml``; a network that is not named there stays as it is.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13

from app.domain.errors import WeightsError

_FILE = "int8.toml"
#: What the names of layers begin with in OpenVINO's graph.
_PREFIX = "__module.network."


def largest_inputs(weights_dir: Path, weights_id: str) -> dict[str, float]:
    """Return the largest input of each convolution to be run in int8, by the layer's name.

    Raises: WeightsError: the file is missing or not understood.
    """
    path = weights_dir / _FILE
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")).get(weights_id, {}))
    except (OSError, tomllib.TOMLDecodeError, ValueError) as error:
        raise WeightsError(f"The ranges in {path} cannot be read ({error}).") from error


def convolutions(model: openvino.Model) -> Iterator[tuple[str, openvino.Node]]:
    """Return a network's convolutions by the names of their layers, such as ``repeat_1.0``."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convolution":
            (bias,) = node.output(0).get_target_inputs()
            name = bias.get_node().get_friendly_name().removeprefix(_PREFIX)
            yield name.split("/")[0].removesuffix(".bn"), node


def quantise(model: openvino.Model, largest: dict[str, float]) -> None:
    """Round the inputs and the weights of some convolutions, which are then run in int8.

    Inputs are not negative and get 256 steps up to the largest; weights get 255 steps, symmetric
    and of each output channel's own size.

    Raises: WeightsError: the network has no convolution of some name.
    """
    found = dict(convolutions(model))
    if missing := largest.keys() - found.keys():
        raise WeightsError(f"{_FILE} names layers that do not exist: {', '.join(sorted(missing))}.")
    rounded: dict[str, openvino.Node] = {}
    for layer, highest in largest.items():
        pixels, weights = found[layer].input_values()
        source = pixels.get_node().get_friendly_name()
        if source not in rounded:  # branches share an input, which is rounded once
            zero, top = np.float32(0), np.float32(highest)
            rounded[source] = opset13.fake_quantize(pixels, zero, top, zero, top, 256)
        size = np.abs(weights.get_node().data).max(axis=(1, 2, 3), keepdims=True)
        kernel = opset13.fake_quantize(weights, -size, size, -size, size, 255)
        found[layer].input(0).replace_source_output(rounded[source].output(0))
        found[layer].input(1).replace_source_output(kernel.output(0))
    model.validate_nodes_and_infer_types()
