"""The only door through which weights are loaded."""

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from app.catalogue.manifest import WeightsEntry, read_manifest
from app.domain.errors import WeightsError
from workers.weights.installed import read_record

FETCH_COMMAND = "python -m workers.fetch_weights"


def read_verified(path: Path, *, sha256: str, size: int) -> bytes:
    """Return a file's content after comparing it with what is expected of it.

    The bytes returned are the bytes that were hashed, so nothing can be exchanged in between.
    Symbolic links are refused: a file that is meant to be pinned lies where it is looked for.
    """
    try:
        # an open of a pipe would otherwise wait until a writer comes
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise WeightsError(f'{path} is missing. Run "{FETCH_COMMAND}".') from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}.") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise WeightsError(f"{path} is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size != size:
            raise WeightsError(
                f"{path} has {found.st_size} bytes, but {size} are expected. "
                f'Delete it and run "{FETCH_COMMAND}".'
            )
        content = file.read()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise WeightsError(
            f"{path} has sha256 {digest}, but {sha256} is expected. "
            f'Delete it and run "{FETCH_COMMAND}".'
        )
    return content


def weights_path(weights_dir: Path, weights_id: str) -> Path:
    """Return where the converted file of an id lies."""
    return weights_dir / "files" / f"{weights_id}.safetensors"


def weights_digest(weights_dir: Path, entry: WeightsEntry) -> str:
    """Return the sha256 that an entry's converted file must have."""
    return _expected(weights_dir, entry)[0]


def read_weights(weights_dir: Path, entry: WeightsEntry) -> bytes:
    """Return the verified safetensors file of an entry; raise WeightsError if it is not right."""
    sha256, size = _expected(weights_dir, entry)
    return read_verified(weights_path(weights_dir, entry.id), sha256=sha256, size=size)


def _expected(weights_dir: Path, entry: WeightsEntry) -> tuple[str, int]:
    if entry.sha256 is not None and entry.bytes is not None:
        return entry.sha256, entry.bytes
    record = read_record(weights_dir, weights_path(weights_dir, entry.id).name)
    return record.sha256, record.bytes


def load_arrays(weights_dir: Path, weights_id: str) -> dict[str, np.ndarray]:
    """Return a network's arrays by layer name; raise WeightsError if the file is not right."""
    entry = read_manifest(weights_dir).entry(weights_id)
    content = read_weights(weights_dir, entry)
    try:
        return load(content)
    except SafetensorError as error:
        raise WeightsError(f"{weights_id} is not a safetensors file ({error}).") from error
