"""Find the original of a weights file and return its verified bytes."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from app.catalogue.manifest import WeightsSource
from app.domain.errors import WeightsError
from workers.weights.store import read_verified

_DOWNLOAD_TIMEOUT_S = 60
_LARGEST_DOWNLOAD = 512 * 1024 * 1024


def read_original(source: WeightsSource, *, folder: Path | None) -> bytes:
    """Return the original file of a source.

    ``folder`` holds files that an operator has brought; a file there by the member's name is
    taken before anything is fetched.

    Raises: WeightsError: it cannot be had, or is not the file that the manifest names.
    """
    name = PurePosixPath(source.member).name
    if folder is not None and (folder / name).exists():
        return _read_brought(folder / name, source)
    if source.kind == "package":
        return _read_brought(_installed_file(source), source)
    if source.kind == "sdist":
        with source_archive(source.project, source.version, source.archive_sha256) as archive:
            return _checked(_member(archive, source.member), source)
    return _checked(_download(source), source)


@contextmanager
def source_archive(project: str, version: str, sha256: str | None) -> Iterator[tarfile.TarFile]:
    """Fetch a source archive by pip and its pinned hash, and open it.

    pip asks an archive's own ``setup.py`` for its metadata; the pinned hash is what makes running
    that acceptable. Nothing else of the archive is executed.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{project}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes", "--dest"]
        command = [sys.executable, "-m", "pip", "download", *options, folder]
        finished = subprocess.run(  # noqa: S603 (fixed words and the manifest's pins)
            [*command, "--requirement", str(requirements)],
            capture_output=True,
            text=True,
            check=False,
        )
        archives = list(Path(folder).glob("*.tar.gz"))
        if finished.returncode != 0 or len(archives) != 1:
            reason = (finished.stderr.strip() or "no archive came").splitlines()[-1]
            raise WeightsError(f"{project} {version} could not be fetched ({reason}).")
        with tarfile.open(archives[0]) as archive:
            yield archive


def _member(archive: tarfile.TarFile, path: str) -> bytes:
    """Return a file of an archive, by its path below the archive's one top folder."""
    for member in archive:
        if member.isfile() and member.name.partition("/")[2] == path:
            file = archive.extractfile(member)
            if file is not None:
                return file.read()
    raise WeightsError(f"The archive does not hold {path}.")


def _installed_file(source: WeightsSource) -> Path:
    """Find a file of an installed distribution without importing it."""
    try:
        installed = distribution(source.project)
    except PackageNotFoundError as error:
        raise WeightsError(f"{source.project} is not installed. Install it first.") from error
    if installed.version != source.version:
        raise WeightsError(
            f"{source.project} {source.version} is needed, but {installed.version} is installed."
        )
    return Path(str(installed.locate_file(source.member)))


def _download(source: WeightsSource) -> bytes:
    if source.url is None or not source.url.startswith("https://"):
        raise WeightsError(f"{source.member} has no address. Bring it with --from FOLDER.")
    try:
        with urllib.request.urlopen(source.url, timeout=_DOWNLOAD_TIMEOUT_S) as response:  # noqa: S310 (https only)
            content: bytes = response.read(_LARGEST_DOWNLOAD + 1)
    except (OSError, urllib.error.URLError) as error:
        raise WeightsError(
            f"{source.url} could not be fetched ({error}). Bring the file with --from FOLDER."
        ) from error
    if len(content) > _LARGEST_DOWNLOAD:
        raise WeightsError(f"{source.url} is larger than {_LARGEST_DOWNLOAD} bytes.")
    return content


def _read_brought(path: Path, source: WeightsSource) -> bytes:
    if source.sha256 is not None and source.bytes is not None:
        return read_verified(path, sha256=source.sha256, size=source.bytes)
    if path.is_symlink() or not path.is_file():
        raise WeightsError(f"{path} is not a regular file.")
    return path.read_bytes()


def _checked(content: bytes, source: WeightsSource) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    if source.sha256 is not None and digest != source.sha256:
        raise WeightsError(f"{source.member} has sha256 {digest}, but {source.sha256} is expected.")
    return content
