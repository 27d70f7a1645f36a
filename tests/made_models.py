"""A second model for tests: the default one's network, whose last layer draws another space.

Its vectors are those of the default model turned into more dimensions, so two faces are as like by
one model as by the other, while a vector of one means nothing by the other. What is published under
other names cannot be had in a test.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
from safetensors.numpy import save

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from deploy.local.paths import PROJECT
from workers.weights.installed import InstalledFile, write_record
from workers.weights.store import load_arrays, weights_path

MAIN = "facenet-msceleb-128"
MADE = "made-512"

_MANIFEST = """
[[weights]]
id = "{id}"
network = "inception-resnet-v1"
licence = "none"
training_set = "that of {main}"
input = "as {main}"
dimension = {dimension}
input_size = 160
preprocessing = "prewhiten"
[weights.source]
kind = "release"
project = "none"
version = "0"
member = "none"
"""

_CALIBRATION = """
[{id}]
dimension = {dimension}
match = 0.594
possible = 0.363
slope = 31.95
intercept = -13.09
fitted_on = ""
"""


def install_made_model(folder, *, model_id=MADE, dimension=512, seed=1):
    """Make a weights folder with the default model, linked, and the made one for both engines."""
    (folder / "files").mkdir(parents=True)
    shutil.copytree(DEFAULT_WEIGHTS_DIR / "cohorts", folder / "cohorts")
    for path in [*DEFAULT_WEIGHTS_DIR.glob("*.toml"), *DEFAULT_WEIGHTS_DIR.glob("files/*")]:
        target = folder / path.relative_to(DEFAULT_WEIGHTS_DIR)
        if path.suffix in {".toml", ".json"}:  # these are added to
            target.write_bytes(path.read_bytes())
        else:
            os.link(path.resolve(), target)
    values = {"id": model_id, "main": MAIN, "dimension": dimension}
    for name, entry in (("manifest", _MANIFEST), ("calibration", _CALIBRATION)):
        with (folder / f"{name}.toml").open("a") as file:
            file.write(entry.format(**values))
    content = save(_turned(load_arrays(folder, MAIN), dimension, seed))
    path = weights_path(folder, model_id)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    write_record(
        folder, path.name, InstalledFile(sha256=digest, bytes=len(content), made_from=digest)
    )
    # In a process of its own: shapes are not numbers while OpenVINO traces, and ours are checked.
    subprocess.run(
        [
            sys.executable,
            "-m",
            "workers.fetch_weights",
            "--weights-dir",
            folder,
            "--model",
            model_id,
        ],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    return folder


def _turned(arrays, dimension, seed):
    """Let the last layer do what it did, and then turn the vector into the other space."""
    epsilon = 1e-3
    scale = arrays["last_bn.weight"] / np.sqrt(arrays["last_bn.running_var"] + epsilon)
    shift = arrays["last_bn.bias"] - scale * arrays["last_bn.running_mean"]
    random = np.random.default_rng(seed).standard_normal((dimension, len(scale)))
    turn = np.linalg.qr(random)[0].astype(np.float32)
    linear = turn @ (scale[:, None] * arrays["last_linear.weight"])
    made = arrays | {
        "last_linear.weight": linear,
        "last_bn.weight": np.ones(dimension, np.float32),
        "last_bn.bias": turn @ shift,
        "last_bn.running_mean": np.zeros(dimension, np.float32),
        "last_bn.running_var": np.full(dimension, 1 - epsilon, np.float32),
    }
    return {name: np.ascontiguousarray(made[name], np.float32) for name in sorted(made)}
