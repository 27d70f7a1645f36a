"""One factory per domain type and kind of image."""

from __future__ import annotations

import io
from datetime import timedelta

from PIL import Image

from app.domain.access import Scope
from app.domain.audit import Actor, ActorKind
from app.domain.caller import Caller
from app.domain.detection import AnalysedFace, Detection, ImageAnalysis
from app.domain.embedding import Embedding
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.identity import new_id
from app.domain.matching import Calibration, Thresholds
from app.domain.model import ModelProfile
from app.domain.quality import FaceQuality
from app.domain.tenant import DEFAULT_TENANT_ID
from app.services.jobs.rules import JobRules


def image_bytes(kind="JPEG", size=(64, 48), colour=(200, 150, 120)):
    """An image of one colour."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def model_profile(name="facenet-msceleb-128", dimension=128):
    return ModelProfile(
        id=name,
        dimension=dimension,
        thresholds=Thresholds(match=0.6, possible=0.4),
        calibration=Calibration(slope=10.0, intercept=-5.0),
        licence="MIT",
        training_set="made up",
    )


def embedding(direction=0, model="facenet-msceleb-128", dimension=128):
    """The unit vector along one axis."""
    return Embedding(model=model, vector=tuple(float(n == direction) for n in range(dimension)))


def analysed_face(direction=0, model="facenet-msceleb-128"):
    return AnalysedFace(
        detection=Detection(
            box=BoundingBox(x_min=1, y_min=2, x_max=31, y_max=42),
            landmarks=FiveLandmarks(
                image_left_eye=Point(10, 15),
                image_right_eye=Point(20, 15),
                nose=Point(15, 22),
                image_left_mouth=Point(11, 30),
                image_right_mouth=Point(19, 30),
            ),
            confidence=0.99,
        ),
        quality=FaceQuality(size_px=90, sharpness=0.1, turn=0.1, brightness=120, confidence=0.99),
        embedding=embedding(direction, model),
    )


def image_analysis(*faces):
    return ImageAnalysis(width=64, height=48, faces=faces)


def caller(**changes):
    """The holder of an admin key of the first tenant."""
    given = {
        "actor": Actor(ActorKind.KEY, new_id()),
        "tenant_id": DEFAULT_TENANT_ID,
        "scope": Scope.ADMIN,
    }
    return Caller(**given | changes)


def job_rules(**changes):
    rules = {
        "republish_after": timedelta(seconds=10),
        "max_losses": 3,
        "max_attempts": 5,
        "longest_wait": timedelta(hours=24),
        "retention": timedelta(hours=1),
    }
    return JobRules(**rules | changes)
