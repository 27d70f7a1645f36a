"""One embedding per photograph, by the service's own pipeline."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from app.domain.detection import ImageAnalysis
from app.domain.errors import NoFaceError, VultusError
from app.domain.quality import FaceQuality
from app.domain.selection import FacePolicy, select_face

#: LFW's photographs are centred on the person whom they are named after.
FACE_POLICY = FacePolicy.CENTRAL

_BATCH = 16


@runtime_checkable
class Pipeline(Protocol):
    """The part of ``workers.pipeline.FacePipeline`` that is measured here."""

    def analyse(
        self, images: Sequence[bytes], *, embed: bool = True
    ) -> list[ImageAnalysis | VultusError]:
        """Return what is found in each image, or why it cannot be used."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of the photographs that have one; the others are counted by reason."""

    vectors: Mapping[str, Float32[np.ndarray, " d"]]
    #: How fit for recognition the face of each vector is.
    qualities: Mapping[str, FaceQuality]
    #: Number of photographs by the slug of their error; ``no-face`` where none was found.
    failures: Mapping[str, int]
    #: Photographs that showed more than one face.
    several_faces: int


def embed_files(
    pipeline: Pipeline, root: Path, files: Sequence[str], *, progress: Callable[[int], None]
) -> Embedded:
    """Embed the face of each file that ``FACE_POLICY`` means; ``progress`` hears how many are done.

    A photograph that fails is left out and counted: code that uses the vectors has to count the
    comparison as not accepted, as the service would.
    """
    vectors: dict[str, Float32[np.ndarray, " d"]] = {}
    qualities: dict[str, FaceQuality] = {}
    failures: Counter[str] = Counter()
    several = 0
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        analyses = pipeline.analyse([(root / file).read_bytes() for file in batch])
        for file, analysis in zip(batch, analyses, strict=True):
            if isinstance(analysis, VultusError):
                failures[analysis.slug] += 1
                continue
            several += len(analysis.faces) > 1
            try:
                face = select_face(analysis, FACE_POLICY)
            except NoFaceError as error:
                failures[error.slug] += 1
                continue
            if face.embedding is None:
                raise ValueError("The pipeline gave no embeddings.")
            vectors[file] = np.array(face.embedding.vector, dtype=np.float32)
            qualities[file] = face.quality
        progress(start + len(batch))
    return Embedded(vectors=vectors, qualities=qualities, failures=failures, several_faces=several)
