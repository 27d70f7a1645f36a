"""Write networks in OpenVINO's own form, next to their weights."""

import hashlib
from pathlib import Path

import openvino
import torch

from workers.engines.openvino_files import made_from, openvino_paths
from workers.engines.torch_modules import load_module
from workers.installed import InstalledFile, write_record
from workers.manifest import WeightsEntry
from workers.weights import weights_digest

_EXAMPLE_SIDES = {"pnet": 64, "rnet": 24, "onet": 48, "inception-resnet-v1": 160}


def write_openvino_files(weights_dir: Path, entry: WeightsEntry) -> None:
    """Translate a network and record what was written; batch and image sizes stay open."""
    side = _EXAMPLE_SIDES[entry.network]
    open_side = -1 if entry.network == "pnet" else side
    model = openvino.convert_model(
        load_module(weights_dir, entry.id),
        example_input=torch.zeros(2, side, side, 3),
        input=[openvino.PartialShape([-1, open_side, open_side, 3])],
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
