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
    x = inputs[0]
    match kind:
        case "InputLayer" | "Dropout":
            return x
        case "Conv2D":
            return _convolution(x, config, weights)
        case "BatchNormalization":
            scale = weights.get("gamma", 1) / torch.sqrt(
                weights["moving_variance"] + config["epsilon"]
            )
            return (x - weights["moving_mean"]) * scale + weights["beta"]
        case "Activation":
            assert config["activation"] == "relu"
            return x.clamp(min=0)
        case "Concatenate":
            return torch.cat(inputs, dim=config["axis"])
        case "MaxPooling2D":
            assert config["padding"] == "valid"
            pooled = functional.max_pool2d(
                x.permute(0, 3, 1, 2), config["pool_size"], config["strides"]
            )
            return pooled.permute(0, 2, 3, 1)
        case "GlobalAveragePooling2D":
            return x.mean(dim=(1, 2))
        case "Dense":
            return x @ weights["kernel"]
        case "Lambda":  # the only one in use adds the scaled second input to the first
            return inputs[0] + config["arguments"]["scale"] * inputs[1]
    raise AssertionError(f"{kind} is not known")


def _convolution(x, config, weights):
    kernel = weights["kernel"]
    if config["padding"] == "same":
        assert config["strides"] == [1, 1]
        tall, wide = kernel.shape[0] // 2, kernel.shape[1] // 2
        x = functional.pad(x, (0, 0, wide, wide, tall, tall))
    found = functional.conv2d(
        x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), stride=tuple(config["strides"])
    ).permute(0, 2, 3, 1)
    return found + weights["bias"] if config["use_bias"] else found
