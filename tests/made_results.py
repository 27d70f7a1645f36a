"""A made-up result of every form that a job can answer with."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from app.domain.erasure import HOLD_NOBODY, Erased
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.job import JobType
from app.domain.job_results import (
    ComparedSource,
    ComparedTarget,
    ComparisonResult,
    DetectionResult,
    EmbeddedFace,
    EmbeddedImage,
    EmbeddingResult,
    EnrolledFace,
    EnrolledImage,
    EnrolmentResult,
    ErasureReceipt,
    FaceResult,
    ImageResult,
    ImageSize,
    QualityResult,
    RankedCandidate,
    RankedFace,
    RankedImage,
    RankingResult,
    RecognisedCandidate,
    RecognisedFace,
    RecognisedImage,
    RecognitionResult,
    ReembeddingResult,
    SettlingResult,
    TrainingResult,
    VerificationResult,
    VerifiedFace,
)
from app.domain.matching import Decision, Matcher
from app.domain.problem import Problem
from app.domain.quality import QualityIssue, QualityReason
from app.domain.reembedding import LeftBehind, ModelFigures, ReembeddingState

MODEL = "facenet-msceleb-128"
ID, OTHER_ID = UUID(int=1), UUID(int=2)
SIZE = {"width": 100, "height": 80}
FOUND = {
    "box": BoundingBox(x_min=-3.2, y_min=10.5, x_max=60.4, y_max=90.0),
    "detection_confidence": 0.9876543,
    "landmarks": FiveLandmarks(
        image_left_eye=Point(20.4, 30.0),
        image_right_eye=Point(40.6, 30.0),
        nose=Point(30.0, 40.0),
        image_left_mouth=Point(22.0, 50.0),
        image_right_mouth=Point(38.0, 50.0),
    ),
    "quality": QualityResult(
        size_px=63.6,
        sharpness=0.1,
        turn=0.6,
        brightness=120.0,
        confidence=0.99,
        reasons=(QualityReason(issue=QualityIssue.TURNED, value=0.6, limit=0.45),),
    ),
}
VECTOR = {"model": MODEL, "embedding": (0.6, 0.8)}
UNUSABLE = Problem(
    type="/problems/corrupt-image", title="Corrupt image", status=400, detail="Send another."
)
ANN = {"subject": "Ann", "subject_id": ID, "face_id": OTHER_ID, "similarity": 0.5}
BOB = {"subject": "Bob", "subject_id": OTHER_ID, "face_id": ID, "similarity": 0.0}
FIGURES = ModelFigures(
    model=MODEL,
    searches=3,
    rank1=1.0,
    identified=0.9,
    threshold=None,
    genuine_mean=0.7,
    impostor_mean=0.1,
    separation=None,
    ms_per_face=None,
    bytes_per_face=512,
    thresholds_fitted=True,
    knows_strangers=False,
)


def _images(kind, *faces):
    return (kind(**SIZE, faces=faces), kind(error=UNUSABLE, faces=()))


#: Each has every member that its form can have.
RESULTS = (
    DetectionResult(images=_images(ImageResult, FaceResult(**FOUND))),
    EmbeddingResult(images=_images(EmbeddedImage, EmbeddedFace(**FOUND, **VECTOR))),
    VerificationResult(
        model=MODEL,
        decision=Decision.MATCH,
        similarity=0.7,
        probability=0.99,
        similarity_threshold=0.6,
        possible_threshold=0.4,
        source=VerifiedFace(**FOUND),
        target=VerifiedFace(**FOUND),
    ),
    ComparisonResult(
        model=MODEL,
        source=ComparedSource(**FOUND, **VECTOR, **SIZE),
        target=ImageSize(**SIZE),
        targets=(ComparedTarget(**FOUND, similarity=0.3),),
    ),
    RecognitionResult(
        model=MODEL,
        matcher=Matcher.CLASSIFIER,
        score_threshold=0.4,
        similarity_threshold=0.6,
        possible_threshold=0.5,
        training_id=ID,
        images=_images(
            RecognisedImage,
            RecognisedFace(
                **FOUND,
                decision=Decision.POSSIBLE,
                margin=0.2,
                expected_fpir=None,
                candidates=(RecognisedCandidate(**ANN, score=0.8, probability=None),),
            ),
        ),
    ),
    RankingResult(
        model=MODEL,
        images=_images(
            RankedImage,
            RankedFace(
                **FOUND, **VECTOR, candidates=(RankedCandidate(**ANN), RankedCandidate(**BOB))
            ),
            RankedFace(**FOUND, candidates=()),
        ),
    ),
    EnrolmentResult(
        model=MODEL,
        subject=None,
        face_ids=(ID,),
        images=_images(
            EnrolledImage, EnrolledFace(**FOUND, face_id=ID, subject=None, not_subject="Ann")
        ),
    ),
    TrainingResult(
        accepted=True,
        reason=None,
        training_id=ID,
        version=2,
        model=MODEL,
        subjects=3,
        faces=9,
        metrics={"held_out_dir": 0.9},
    ),
    ReembeddingResult(
        faces=9,
        embedded=8,
        left_behind=LeftBehind(count=1, face_ids=(ID,)),
        compared_faces=8,
        compared_subjects=3,
        target_fpir=0.01,
        former=FIGURES,
        new=FIGURES,
        state=ReembeddingState.READY,
    ),
    SettlingResult(state=ReembeddingState.FINISHED, model=MODEL),
    ErasureReceipt(
        erased=Erased.SUBJECT,
        ids=(ID,),
        stores={"faces": 2, "redis": 0},
        hold_nobody=HOLD_NOBODY,
        bytes_gone_by=datetime(2026, 11, 22, 12, tzinfo=UTC),
        bytes_gone_at=None,
    ),
)

#: One result for each type of job.
RESULT_OF = {
    JobType.DETECTION: RESULTS[0],
    JobType.EMBEDDING: RESULTS[1],
    JobType.VERIFICATION: RESULTS[2],
    JobType.RECOGNITION: RESULTS[4],
    JobType.ENROLMENT: RESULTS[6],
    JobType.TRAINING: RESULTS[7],
    JobType.REEMBEDDING: RESULTS[8],
    JobType.ERASURE: RESULTS[10],
}
