"""A model file is data, and only the data that the manifest names."""

from __future__ import annotations

import ast
import io
import os
import pickle
import shutil
import socket
from pathlib import Path

import pytest
import torch

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR, read_manifest
from app.domain.errors import WeightsError
from deploy.local.paths import PROJECT
from workers.engines.openvino_files import read_openvino_files
from workers.weights.store import load_arrays, weights_path

#: What runs code that stands in a file.
_EXECUTE = {"torch.load", "pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "eval"}


class _Payload:
    """Unpickling it touches a file."""

    def __init__(self, canary):
        self._canary = canary

    def __reduce__(self):
        return Path.touch, (self._canary,)


def _malicious(canary):
    content = io.BytesIO()
    torch.save({"conv1.weight": _Payload(canary)}, content, pickle_module=pickle)
    return content.getvalue()


def _exchanged(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _linked(path):
    elsewhere = path.with_suffix(".elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _into_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


_HARMS = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "emptied": lambda path: path.write_bytes(b""),
    "exchanged": _exchanged,
    "lengthened": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "linked": _linked,
    "removed": lambda path: path.unlink(),
    "a pipe": _into_a_pipe,
}


def test_only_the_pinned_weights_load_and_none_of_them_is_code(tmp_path, monkeypatch, finding):
    canary = tmp_path / "canary"
    malicious = _malicious(canary)
    harms = {**_HARMS, "code": lambda path: path.write_bytes(malicious)}
    monkeypatch.setattr(socket.socket, "connect", _no_network)
    tried, refused = 0, 0
    for suffix in ("safetensors", "xml", "bin"):
        for harm in harms.values():
            folder = tmp_path / str(tried)
            path = _copy(folder, suffix)
            harm(path)
            tried += 1
            try:
                load_arrays(folder, "pnet")
                read_openvino_files(folder, read_manifest(folder).entry("pnet"))
            except WeightsError as error:
                refused += path.name in str(error)
    executed = canary.exists()
    offenders = [
        call
        for folder in ("app", "workers", "tasks", "deploy")
        for file in (PROJECT / folder).rglob("*.py")
        for call in _calls_that_execute(file)
    ]

    torch.load(io.BytesIO(malicious), weights_only=False)
    finding(
        test="T25",
        promise="A model file that is not the pinned one is refused by name, and runs no code",
        n=tried,
        figure=f"{refused} of {tried} refused, code run: {executed}, calls that could run some:"
        f" {len(offenders)}",
        passed=refused == tried and not executed and not offenders,
        naive="torch.load ran the code of the file" if canary.exists() else "no code was run",
        naive_failed=canary.exists(),
    )


def _calls_that_execute(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _EXECUTE:
            safe = any(
                word.arg == "weights_only" and ast.unparse(word.value) == "True"
                for word in node.keywords
            )
            if not safe:
                yield f"{file.relative_to(PROJECT)}:{node.lineno}"


def _no_network(*_):
    pytest.fail("loading a model opened a connection")


def _copy(folder, suffix):
    """Copy the smallest network's files; return the one to harm."""
    (folder / "files").mkdir(parents=True)
    for path in [DEFAULT_WEIGHTS_DIR / "manifest.toml", *DEFAULT_WEIGHTS_DIR.glob("files/*")]:
        if path.name.startswith(("manifest", "pnet.", "installed")):
            shutil.copy(path, folder / path.relative_to(DEFAULT_WEIGHTS_DIR))
    return weights_path(folder, "pnet").with_suffix(f".{suffix}")
