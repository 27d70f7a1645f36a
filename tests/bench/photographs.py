"""The photographs that are timed: small ones as they are, large ones made from them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from deploy.local.paths import PROJECT

#: Megapixels and shape of the large photographs.
_LARGE = (
    (1.0, 4 / 3), (1.0, 3 / 4), (1.5, 4 / 3), (2.0, 4 / 3),
    (2.0, 3 / 4), (3.0, 4 / 3), (3.0, 3 / 2), (4.0, 4 / 3),
)  # fmt: skip
_PASTED = 3


@dataclass(frozen=True, slots=True)
class PhotographSet:
    """Files that belong to one row of figures."""

    name: str
    #: Where they come from, for the reader of the figures.
    note: str
    files: tuple[Path, ...]


def data_folder() -> Path:
    """Return the folder of test data that lies beside the project, or where it is said to."""
    return Path(os.environ.get("VULTUS_TEST_DATA", PROJECT.parent / "shared" / "data"))


def small_photographs(count: int) -> PhotographSet:
    """Choose files evenly over LFW where it is there, else over the sample people.

    Raises: FileNotFoundError: there are neither.
    """
    lfw = sorted(data_folder().glob("lfw/*/*.jpg"))
    samples = sorted((PROJECT / "var" / "samples").glob("*/*/*.jpg"))
    files = lfw or samples
    if not files:
        raise FileNotFoundError("no photographs: run `make weights`, which extracts the samples")
    chosen = tuple(files[i * len(files) // count] for i in range(min(count, len(files))))
    if lfw:
        return PhotographSet("LFW 250x250", "Labeled Faces in the Wild, one face or more", chosen)
    return PhotographSet("samples", "the sample people, about 250 x 300 pixels", chosen)


def large_photographs(folder: Path, count: int) -> PhotographSet:
    """Make photographs of 1 to 4 megapixels, always the same: one enlarged, some pasted upon it.

    Enlarged pixels are smoother than a camera's, so that detection has fewer false candidates to
    refute than on a true photograph of that size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = small_photographs(8 * (1 + _PASTED)).files
    random = np.random.default_rng(7)
    files: list[Path] = []
    for number, (megapixels, shape) in enumerate(_LARGE[:count]):
        path = folder / f"{number}-{megapixels:g}MP.jpg"
        own = source[number * (1 + _PASTED) : (number + 1) * (1 + _PASTED)]
        photograph = _composed(own, round(1000 * (megapixels * shape) ** 0.5), shape, random)
        if not path.exists():
            photograph.save(path, quality=92)
        files.append(path)
    note = "made: one photograph enlarged to fill the frame, three pasted upon it at 1 to 2.5 times"
    return PhotographSet("1-4 MP", note, tuple(files))


def _composed(
    files: tuple[Path, ...], width: int, shape: float, random: np.random.Generator
) -> Image.Image:
    ground, *others = (Image.open(path).convert("RGB") for path in files)
    canvas = ImageOps.fit(ground, (width, round(width / shape)), Image.Resampling.BICUBIC)
    for other in others:
        scale = min(
            random.uniform(1, 2.5), canvas.width / other.width, canvas.height / other.height
        )
        pasted = ImageOps.scale(other, scale, Image.Resampling.BICUBIC)
        corner = (
            int(random.integers(0, max(1, canvas.width - pasted.width))),
            int(random.integers(0, max(1, canvas.height - pasted.height))),
        )
        canvas.paste(pasted, corner)
    return canvas
