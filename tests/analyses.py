"""Made-up analyses, as the models would return them."""

from __future__ import annotations

from app.domain.detection import AnalysedFace, Detection, ImageAnalysis
from app.domain.embedding import Embedding
from app.domain.geometry import BoundingBox, FiveLandmarks, Point

MODEL = "facenet-msceleb-128"


def image_of(*vectors, side=40):
    """One analysed image with a face of each vector, the first the largest."""
    faces = tuple(
        AnalysedFace(
            detection=Detection(
                box=BoundingBox(x_min=0, y_min=0, x_max=side / 2**n, y_max=side / 2**n),
                landmarks=FiveLandmarks(
                    image_left_eye=Point(1, 1),
                    image_right_eye=Point(2, 1),
                    nose=Point(1.5, 2),
                    image_left_mouth=Point(1, 3),
                    image_right_mouth=Point(2, 3),
                ),
                confidence=0.99,
            ),
            embedding=Embedding(model=MODEL, vector=tuple(map(float, vector))),
        )
        for n, vector in enumerate(vectors)
    )
    return ImageAnalysis(width=100, height=100, faces=faces)
