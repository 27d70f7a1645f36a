"""Measure how large the inputs of the convolutions become that may run in int8.

``python -m workers.evaluation.int8_ranges FOLDER ...`` looks at every JPEG file below the folders
and writes the model's table in int8.toml. What is left out costs most of the agreement with fp32
for little of the time: the first layers, whose few channels everything follows from, and the last
ones.
"""

import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import openvino
from openvino import opset13
from PIL import Image

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.crops.alignment import crop_faces
from workers.detectors.mtcnn.detector import MtcnnDetector
from workers.embedders.facenet import prewhiten
from workers.engines.int8 import convolutions
from workers.engines.openvino_engine import OpenVinoEngine
from workers.engines.openvino_files import openvino_paths

_TITLE = """\
# Convolutions that OpenVINO runs in int8 where the processor is made for it, and the largest input
# that each has seen in fp32. Written by `python -m workers.evaluation.int8_ranges`.
"""
_PARTS = ("conv2d_4b", "repeat_1", "mixed_6a", "repeat_2")
_BATCH = 8


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", default="facenet-msceleb-128", show_default=True)
@click.option("--every", default=1, show_default=True, help="Take every n-th photograph only.")
@click.option(
    "--table",
    default=DEFAULT_WEIGHTS_DIR / "int8.toml",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file whose table of the model is replaced.",
)
def main(folders: tuple[Path, ...], model: str, every: int, table: Path) -> None:
    """Replace MODEL's table in int8.toml by what the faces below FOLDERS show."""
    files = [file for folder in folders for file in sorted(folder.rglob("*.jpg"))][::every]
    graph, _ = openvino_paths(DEFAULT_WEIGHTS_DIR, model)
    network = openvino.Core().read_model(graph)
    layers = {name: node for name, node in convolutions(network) if name.startswith(_PARTS)}
    inputs = [opset13.result(node.input_value(0)) for node in layers.values()]
    watched = openvino.compile_model(
        openvino.Model(inputs, network.get_parameters()),
        config={"INFERENCE_PRECISION_HINT": "f32"},
    )
    largest = np.zeros(len(layers))
    for crops in _crops(files):
        found = watched(prewhiten(crops.astype(np.float32)))
        largest = np.maximum(largest, [found[number].max() for number in range(len(layers))])
    tables = tomllib.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
    tables[model] = {
        name: round(float(highest), 3) for name, highest in zip(layers, largest, strict=True)
    }
    table.write_text(_TITLE + "".join(_table(*item) for item in tables.items()), encoding="utf-8")
    click.echo(f"{model}: {len(layers)} convolutions, {len(files)} photographs")


def _crops(files: Sequence[Path]) -> Iterator[np.ndarray]:
    detector = MtcnnDetector(OpenVinoEngine(DEFAULT_WEIGHTS_DIR))
    for start in range(0, len(files), _BATCH):
        images = [
            np.asarray(Image.open(file).convert("RGB")) for file in files[start : start + _BATCH]
        ]
        crops = [
            crop_faces(image, faces, recipe="aligned", size=160)
            for image, faces in zip(images, detector.detect(images), strict=True)
        ]
        if any(map(len, crops)):
            yield np.concatenate(crops)


def _table(model: str, largest: dict[str, float]) -> str:
    rows = "".join(f'"{name}" = {highest}\n' for name, highest in largest.items())
    return f"\n[{model}]\n{rows}"


if __name__ == "__main__":
    sys.exit(main())
