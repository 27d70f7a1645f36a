"""Networks in OpenVINO's own form, written at set-up, so that a worker starts without torch."""

from pathlib import Path

from app.catalogue.manifest import WeightsEntry
from app.domain.errors import WeightsError
from workers.weights.installed import read_record
from workers.weights.store import FETCH_COMMAND, read_verified, weights_digest

#: Raised by one whenever the networks' code changes what is written at set-up.
FORM_REVISION = 3


def made_from(weights_sha256: str) -> str:
    """Name what an OpenVINO file is made from: the weights and the code that wrote it."""
    return f"{weights_sha256}/{FORM_REVISION}"


def openvino_paths(weights_dir: Path, weights_id: str) -> tuple[Path, Path]:
    """Return where a network's graph and its constants lie."""
    folder = weights_dir / "files"
    return folder / f"{weights_id}.xml", folder / f"{weights_id}.bin"


def read_openvino_files(weights_dir: Path, entry: WeightsEntry) -> tuple[bytes, bytes]:
    """Return a network's verified graph and constants.

    Raises: WeightsError: a file is missing, damaged, or made from other weights or by older code.
    """
    expected = made_from(weights_digest(weights_dir, entry))
    contents: list[bytes] = []
    for path in openvino_paths(weights_dir, entry.id):
        record = read_record(weights_dir, path.name)
        if record.made_from != expected:
            raise WeightsError(f'{path} is out of date. Run "{FETCH_COMMAND}".')
        contents.append(read_verified(path, sha256=record.sha256, size=record.bytes))
    graph, constants = contents
    return graph, constants
