"""Evaluate a Keras model from its own description, layer by layer, knowing nothing of its purpose.

This is the second opinion on the converted network: it shares no code and no layer list with it.
"""

import json
from io import BytesIO

import h5py
import torch
from torch.nn import functional


def evaluate(content: bytes, images: torch.Tensor) -> torch.Tensor:
    """Return the output of the model in an h5 file for images (n, height, width, channels)."""
    with h5py.File(BytesIO(content)) as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        values: dict[str, torch.Tensor] = {}
        for layer in layers:
            inputs = [values[node[0]] for node in (layer["inbound_nodes"] or [[]])[0]]
            values[layer["name"]] = _apply(layer, inputs or [images], _weights(file, layer["name"]))
        return values[layers[-1]["name"]]


def _weights(file: h5py.File, name: str) -> dict[str, torch.Tensor]:
    group = file["model_weights"][name]
    names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]
    return {n.rsplit("/")[-1].split(":")[0]: torch.from_numpy(group[n][:]) for n in names}


def _apply(layer, inputs, weights):
    kind, config = layer["class_name"], layer["config"]
    return _KINDS[kind](inputs, config, weights)


def _normalisation(inputs, config, weights):
    deviation = torch.sqrt(weights["moving_variance"] + config["epsilon"])
    scaled = (inputs[0] - weights["moving_mean"]) / deviation
    return scaled * weights.get("gamma", 1) + weights["beta"]


def _activation(inputs, config, _):
    assert config["activation"] == "relu"
    return inputs[0].clamp(min=0)


def _largest(inputs, config, _):
    assert config["padding"] == "valid"
    x = inputs[0].permute(0, 3, 1, 2)
    return functional.max_pool2d(x, config["pool_size"], config["strides"]).permute(0, 2, 3, 1)


def _convolution(inputs, config, weights):
    x = inputs[0]
    kernel = weights["kernel"]
    if config["padding"] == "same":
        assert config["strides"] == [1, 1]
        tall, wide = kernel.shape[0] // 2, kernel.shape[1] // 2
        x = functional.pad(x, (0, 0, wide, wide, tall, tall))
    found = functional.conv2d(
        x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), stride=tuple(config["strides"])
    ).permute(0, 2, 3, 1)
    return found + weights["bias"] if config["use_bias"] else found


_KINDS = {
    "InputLayer": lambda inputs, config, weights: inputs[0],
    "Dropout": lambda inputs, config, weights: inputs[0],
    "Conv2D": _convolution,
    "BatchNormalization": _normalisation,
    "Activation": _activation,
    "Concatenate": lambda inputs, config, weights: torch.cat(inputs, dim=config["axis"]),
    "MaxPooling2D": _largest,
    "GlobalAveragePooling2D": lambda inputs, config, weights: inputs[0].mean(dim=(1, 2)),
    "Dense": lambda inputs, config, weights: inputs[0] @ weights["kernel"],
    # the only function in use adds the scaled second input to the first
    "Lambda": lambda inputs, config, weights: inputs[0] + config["arguments"]["scale"] * inputs[1],
}
