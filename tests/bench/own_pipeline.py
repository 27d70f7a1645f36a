"""The pipeline as a worker builds it, called in process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.domain.errors import VultusError
from app.settings import Settings
from tests.bench.contestants import Seen
from workers.registry import build_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.domain.detection import ImageAnalysis
    from tests.bench.contestants import Analyse


def default(setting: str) -> int | str:
    """Return what a setting of the service is when nobody sets it."""
    value: int | str = Settings.model_fields[setting].default
    return value


def pipeline_loop(*, threads: int, batch: int, crop: str | None = None) -> Analyse:
    """Return the pipeline with the service's own settings, ``batch`` images at a time."""
    more = {} if crop is None else {"crop": crop, "flip": False}
    pipeline = build_pipeline(
        default("model"), threads=threads, min_face_size=default("min_face_size"), **more
    )

    pipeline.analyse([b""])  # starts what is started by the first image

    def analyse(files: Sequence[Path]) -> list[Seen]:
        seen = []
        for start in range(0, len(files), batch):
            images = [path.read_bytes() for path in files[start : start + batch]]
            seen += [_seen(analysis) for analysis in pipeline.analyse(images)]
        return seen

    return analyse


def _seen(analysis: ImageAnalysis | VultusError) -> Seen:
    if isinstance(analysis, VultusError):
        raise analysis
    boxes = [face.detection.box for face in analysis.faces]
    return Seen(
        boxes=np.array([(b.x_min, b.y_min, b.x_max, b.y_max) for b in boxes]).reshape(-1, 4),
        vectors=np.array([face.embedding.vector for face in analysis.faces if face.embedding]),
    )
