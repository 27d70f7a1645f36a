"""Read FaceNet from a Keras file, layer by layer, without Keras.

The file is that of nyoka/keras-facenet's conversion of davidsandberg/facenet 20170512-110547 style
networks: kernels are height, width, input, output; batch normalisation has no gamma.
"""

import re
from collections.abc import Iterator
from io import BytesIO

import h5py
import numpy as np
from jaxtyping import Float32

from app.domain.errors import WeightsError

Arrays = dict[str, np.ndarray]

_REPEATS = {"35": "repeat_1", "17": "repeat_2", "8": "repeat_3"}
_LAST_BLOCK = ("8", "6")
_BLOCK = re.compile(r"Block(35|17|8)_(\d+)_(.+)")
_MIXED = re.compile(r"Mixed_(6a|7a)_(.+)")
_BRANCH = re.compile(r"Branch_(\d)_Conv2d_(?:(0a|0b|0c|1a)_)?\dx\d")
_STEM = re.compile(r"Conv2d_(\d[ab])_\dx\d")


def read_keras_facenet(content: bytes) -> Arrays:
    """Return the state of ``InceptionResnetV1`` by layer name, from the bytes of an h5 file.

    Raises: WeightsError: an array of the file has no place in the network.
    """
    with h5py.File(BytesIO(content)) as file:
        arrays = dict(_arrays(file["model_weights"]))
    layers = _network_names({name for name, _ in arrays})
    state: Arrays = {}
    for (keras_layer, kind), values in arrays.items():
        layer = layers[keras_layer]
        if kind == "kernel":
            state[f"{layer}.weight"] = _kernel(values)
        elif kind == "beta":
            state[f"{layer}.bias"] = values
            state[f"{layer}.weight"] = np.ones_like(values)  # the file's layers have no gamma
        elif kind in {"bias", "moving_mean", "moving_variance"}:
            state[f"{layer}.{_STATE_NAMES[kind]}"] = values
        else:
            raise WeightsError(
                f"The array {kind} of the layer {keras_layer} has no place in the network."
            )
    return state


_STATE_NAMES = {"bias": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def _arrays(
    group: h5py.Group,
) -> Iterator[tuple[tuple[str, str], Float32[np.ndarray, "..."]]]:
    """Yield ``(layer, kind), values``; paths are ``layer/layer/kind:0``."""
    for layer in group.attrs["layer_names"]:
        subgroup = group[layer]
        for path in subgroup.attrs["weight_names"]:
            name = path.decode() if isinstance(path, bytes) else path
            kind = name.rsplit("/", 1)[-1].removesuffix(":0")
            layer_name = layer.decode() if isinstance(layer, bytes) else layer
            yield (layer_name, kind), np.asarray(subgroup[path], dtype=np.float32)


def _kernel(values: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """Turn a kernel from (height, width, in, out) or (in, out) to outputs first."""
    axes = (3, 2, 0, 1) if values.ndim == 4 else (1, 0)  # noqa: PLR2004 (a convolution's kernel)
    return np.ascontiguousarray(values.transpose(axes))


def _network_names(keras_layers: set[str]) -> dict[str, str]:
    """Name the network's layer for each Keras layer."""
    convolutions = {layer.removesuffix("_BatchNorm") for layer in keras_layers}
    names: dict[str, str] = {}
    for base in convolutions:
        place = _place(base, convolutions)
        plain = base == "Bottleneck" or place.endswith("conv2d")
        names[base] = "last_linear" if base == "Bottleneck" else place
        if not plain:
            names[base] = f"{place}.conv"
            names[f"{base}_BatchNorm"] = f"{place}.bn"
    names["Bottleneck_BatchNorm"] = "last_bn"
    return names


def _place(base: str, convolutions: set[str]) -> str:
    """Return the module path of a Keras convolution, without ``conv`` or ``bn``."""
    if base == "Bottleneck":
        return "last_linear"
    if stem := _STEM.fullmatch(base):
        return f"conv2d_{stem[1]}"
    if block := _BLOCK.fullmatch(base):
        kind, number, rest = block.groups()
        repeat = f"{_REPEATS[kind]}.{int(number) - 1}"
        module = "block8" if (kind, number) == _LAST_BLOCK else repeat
    elif mixed := _MIXED.fullmatch(base):
        module, rest = f"mixed_{mixed[1]}", mixed[2]
    else:
        raise WeightsError(f"The layer {base} has no place in the network.")
    if rest == "Conv2d_1x1":
        return f"{module}.conv2d"
    branch = _BRANCH.fullmatch(rest)
    if branch is None:
        raise WeightsError(f"The layer {base} has no place in the network.")
    prefix = f"{base.removesuffix(rest)}Branch_{branch[1]}_Conv2d_"
    siblings = sorted(name for name in convolutions if name.startswith(prefix))
    if len(siblings) == 1:
        return f"{module}.branch{branch[1]}"
    return f"{module}.branch{branch[1]}.{siblings.index(base)}"
