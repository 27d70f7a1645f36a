"""Turn an original weights file into safetensors, the same bytes on every machine."""

import pickle
from io import BytesIO

import numpy as np
import torch
from safetensors.numpy import save

from app.catalogue.manifest import WeightsEntry
from app.domain.errors import WeightsError
from workers.engines.torch_modules import load_state
from workers.install.keras_facenet import read_keras_facenet

#: Parts of the published checkpoints that only training needs: the classifier over the persons of
#: the training set, and batch normalisation's counters.
_TRAINING_ONLY_PREFIX = "logits."
_TRAINING_ONLY_SUFFIX = ".num_batches_tracked"


def convert(entry: WeightsEntry, original: bytes) -> bytes:
    """Return the safetensors file of an entry.

    The file depends on the original alone: float32, sorted names, no metadata.

    Raises: WeightsError: the original does not hold exactly the network's arrays.
    """
    if entry.source.member.endswith(".h5"):
        arrays = read_keras_facenet(original)
    else:
        arrays = _read_checkpoint(entry, original)
    load_state(entry, {name: torch.from_numpy(values) for name, values in arrays.items()})
    return save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def _read_checkpoint(entry: WeightsEntry, original: bytes) -> dict[str, np.ndarray]:
    try:
        state = torch.load(BytesIO(original), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError) as error:
        raise WeightsError(f"{entry.source.member} is not a torch checkpoint ({error}).") from error
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise WeightsError(f"{entry.source.member} holds more than the arrays of a network.")
    return {
        name: values.float().numpy()
        for name, values in state.items()
        if not name.startswith(_TRAINING_ONLY_PREFIX) and not name.endswith(_TRAINING_ONLY_SUFFIX)
    }
