"""Write networks in OpenVINO's own form, next to their weights."""

import hashlib
import warnings
from pathlib import Path

import openvino
import torch

from app.catalogue.manifest import WeightsEntry
from workers.engines.openvino_files import made_from, openvino_paths
from workers.engines.torch_modules import load_module
from workers.weights.installed import InstalledFile, write_record
from workers.weights.store import weights_digest

#: Side and channels of each network's input.
_INPUTS = {
    "pnet": (64, 4),
    "pnet-window": (12, 4),
    "rnet": (24, 4),
    "onet": (48, 4),
    "inception-resnet-v1": (160, 3),
}


def write_openvino_files(weights_dir: Path, entry: WeightsEntry) -> None:
    """Translate a network and record what was written; batch and image sizes stay open."""
    side, channels = _INPUTS[entry.network]
    open_side = -1 if entry.network == "pnet" else side
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # OpenVINO traces, torch would not
        model = openvino.convert_model(
            load_module(weights_dir, entry.id),
            example_input=torch.zeros(2, side, side, channels),
            input=[openvino.PartialShape([-1, open_side, open_side, channels])],
        )
    graph, constants = openvino_paths(weights_dir, entry.id)
    openvino.save_model(model, graph, compress_to_fp16=False)
    digest = weights_digest(weights_dir, entry)
    for path in (graph, constants):
        content = path.read_bytes()
        record = InstalledFile(
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            made_from=made_from(digest),
        )
        write_record(weights_dir, path.name, record)
