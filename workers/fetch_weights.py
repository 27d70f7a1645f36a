"""Fetch, check and convert the models' weights: ``python -m workers.fetch_weights``."""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR, WeightsEntry, read_manifest
from app.domain.errors import WeightsError
from workers.engines.openvino_files import read_openvino_files
from workers.install.originals import read_original
from workers.install.samples import extract_samples
from workers.weights.installed import InstalledFile, write_record
from workers.weights.store import read_weights, weights_path


def main(arguments: Sequence[str] | None = None) -> int:
    """Make everything that is asked for present and right; return the exit code."""
    options = _parse(arguments)
    try:
        manifest = read_manifest(options.weights_dir)
        wanted = [entry for entry in manifest.weights.values() if entry.default]
        wanted += [manifest.entry(weights_id) for weights_id in options.model]
        for entry in {entry.id: entry for entry in wanted}.values():
            _provide_weights(options.weights_dir, entry, folder=options.folder)
            if find_spec("openvino") is not None:
                _provide_openvino_files(options.weights_dir, entry)
        if options.samples is not None:
            _say(f"samples: looking at {options.samples}")
            extract_samples(manifest.samples, options.samples)
            _say(f"samples: {manifest.samples.photographs} photographs are there")
    except WeightsError as error:
        _say(f"error: {error.detail}")
        return 1
    return 0


def _provide_weights(weights_dir: Path, entry: WeightsEntry, *, folder: Path | None) -> None:
    path = weights_path(weights_dir, entry.id)
    try:
        read_weights(weights_dir, entry)
    except WeightsError as error:
        if path.is_symlink() or path.exists():  # never overwrite a file that may be evidence
            raise
        reason = error
    else:
        _say(f"{entry.id}: verified")
        return
    _say(f"{entry.id}: {reason.what_is_wrong} Fetching from {entry.source.project}.")
    original = read_original(entry.source, folder=folder)
    _say(f"{entry.id}: {len(original):,} bytes; converting")
    from workers.install.convert import convert  # noqa: PLC0415 (torch, only when there is work)

    content = convert(entry, original)
    digest = hashlib.sha256(content).hexdigest()
    if entry.sha256 is None:
        made_from = hashlib.sha256(original).hexdigest()
        record = InstalledFile(sha256=digest, bytes=len(content), made_from=made_from)
        path.parent.mkdir(exist_ok=True)
        write_record(weights_dir, path.name, record)
    elif digest != entry.sha256:
        raise WeightsError(
            f"{entry.id} was converted to sha256 {digest}, but {entry.sha256} is expected."
        )
    _write(path, content)
    _say(f"{entry.id}: written and verified")


def _provide_openvino_files(weights_dir: Path, entry: WeightsEntry) -> None:
    try:
        read_openvino_files(weights_dir, entry)
    except WeightsError:
        _say(f"{entry.id}: translating for OpenVINO")
        from workers.install.openvino_export import (  # noqa: PLC0415 (torch, only when there is work)
            write_openvino_files,
        )

        write_openvino_files(weights_dir, entry)
        read_openvino_files(weights_dir, entry)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(content)
    temporary.replace(path)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.fetch_weights", description=__doc__)
    parser.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help="take originals from here"
    )
    parser.add_argument(
        "--model", action="append", default=[], metavar="ID", help="fetch this one as well"
    )
    parser.add_argument(
        "--samples", type=Path, metavar="FOLDER", help="extract the sample people to here"
    )
    parser.add_argument(
        "--weights-dir", type=Path, default=DEFAULT_WEIGHTS_DIR, help="folder of manifest.toml"
    )
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
