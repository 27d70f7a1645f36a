"""The record of files made on this machine, which the manifest therefore cannot pin.

These are the engine's own form of a network, and conversions of originals that no one has
published a hash of. The record makes damage and exchange visible from the moment of making.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.domain.errors import WeightsError


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledFile:
    """A file in ``files/`` as it was made."""

    sha256: str
    bytes: int
    #: Hash of what it was made from; a change there makes this file stale.
    made_from: str


def read_record(weights_dir: Path, name: str) -> InstalledFile:
    """Return what was recorded of a file; raise WeightsError if there is no such record."""
    try:
        return InstalledFile(**_read_all(weights_dir)[name])
    except KeyError:
        raise WeightsError(
            f"There is no record of {name}. Fetch the weights that it belongs to."
        ) from None
    except TypeError as error:
        raise WeightsError(f"The record of {name} is malformed ({error}).") from error


def write_record(weights_dir: Path, name: str, record: InstalledFile) -> None:
    """Add or replace the record of a file, leaving the others as they are."""
    path = _path(weights_dir)
    records = _read_all(weights_dir) | {name: asdict(record)}
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def _path(weights_dir: Path) -> Path:
    return weights_dir / "files" / "installed.json"


def _read_all(weights_dir: Path) -> dict[str, dict[str, Any]]:
    path = _path(weights_dir)
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}).") from error
    if not isinstance(records, dict):
        raise WeightsError(f"{path} is malformed.")
    return records
