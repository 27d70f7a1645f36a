"""Extract the sample people: photographs of a few public figures, never part of the project."""

from pathlib import Path, PurePosixPath

from app.catalogue.manifest import SampleSource
from app.domain.errors import WeightsError
from workers.install.originals import source_archive


def extract_samples(source: SampleSource, folder: Path) -> bool:
    """Write ``train/<person>/NN.jpg`` and ``val/<person>/NN.jpg``; return whether it was needed.

    The folder is complete when it holds as many photographs as the manifest says.
    """
    if len(list(folder.glob("*/*/*.jpg"))) == source.photographs:
        return False
    with source_archive(source.project, source.version, source.archive_sha256) as archive:
        members = sorted(
            (member for member in archive if member.isfile() and _place(member.name, source)),
            key=lambda member: member.name,
        )
        counts: dict[PurePosixPath, int] = {}
        for member in members:
            place = _place(member.name, source)
            content = archive.extractfile(member)
            if place is None or content is None:
                continue
            counts[place] = counts.get(place, 0) + 1
            target = folder / place / f"{counts[place]:02}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
    if sum(counts.values()) != source.photographs:
        raise WeightsError(
            f"The archive holds {sum(counts.values())} sample photographs, "
            f"but {source.photographs} are expected."
        )
    return True


def _place(name: str, source: SampleSource) -> PurePosixPath | None:
    """Return ``train/<person>`` or ``val/<person>`` of an archive's file, if it is a sample."""
    path = PurePosixPath(PurePosixPath(name).as_posix().partition("/")[2])
    if path.suffix != ".jpg" or not path.is_relative_to(source.folder):
        return None
    place = path.relative_to(source.folder).parent
    parts = place.parts
    if len(parts) != 2 or parts[0] not in {"train", "val"} or ".." in parts:  # noqa: PLR2004
        return None
    return place
