"""Made-up analyses, as the models would return them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.domain.detection import AnalysedFace, Detection, ImageAnalysis
from app.domain.embedding import Embedding
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.quality import FaceQuality

MODEL = "facenet-msceleb-128"


#: Nothing is wrong with it.
GOOD = FaceQuality(size_px=90, sharpness=0.1, turn=0.1, brightness=120, confidence=0.99)


def image_of(*vectors, side=40, quality=GOOD):
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
            quality=quality,
            embedding=Embedding(model=MODEL, vector=tuple(map(float, vector))),
        )
        for n, vector in enumerate(vectors)
    )
    return ImageAnalysis(width=100, height=100, faces=faces)


def unit_vectors(count, dimension=128, seed=0):
    """Random directions: any two are nearly orthogonal, like strangers."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def embedding(vector, model=MODEL):
    """A vector as the pipeline returns it."""
    return Embedding(model=model, vector=tuple(map(float, vector)))


def analysed(vector, model=MODEL):
    """A face with that embedding."""
    [face] = image_of(vector).faces
    return replace(face, embedding=embedding(vector, model))
