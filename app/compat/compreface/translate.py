"""Our results in CompreFace's words. Pure: numbers and documents in, documents out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from app.compat.compreface.pose import head_pose
from app.domain.job_results import EmbeddedFace, PerhapsEmbeddedFace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.compat.compreface.similarity import SimilarityCurve
    from app.domain.job_results import (
        ComparedTarget,
        FaceResult,
        ImageSize,
        RankedFace,
        RecognisedFace,
    )

Document: TypeAlias = dict[str, Any]

_PLACES = Decimal("0.00001")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOptions:
    """What an answer should tell of each face."""

    plugins: frozenset[str] = frozenset()
    #: Whether to add times and versions.
    status: bool = False
    #: Whether the image was taken for a face, so that there are no landmarks.
    cropped: bool = False
    #: Whether the box's probability is rounded.
    rounded: bool = True

    @property
    def embeddings(self) -> bool:
        """Whether vectors are asked for."""
        return "calculator" in self.plugins


def five_places(value: float) -> float:
    """Round to five decimals, halves away from zero.

    >>> five_places(0.123455), five_places(0.9999951)
    (0.12346, 1.0)
    """
    return float(Decimal(repr(value)).quantize(_PLACES, ROUND_HALF_UP))


def face(
    found: FaceResult, image: ImageSize, options: AnswerOptions, duration_ms: float
) -> Document:
    """Tell where a face is and what the plugins say of it.

    The box is cut to the image.
    """
    document: Document = {"box": _box(found, image, options)}
    points = list(found.landmarks)
    if "landmarks" in options.plugins:
        document["landmarks"] = (
            [[] for _ in points] if options.cropped else [[round(x), round(y)] for x, y in points]
        )
    if "pose" in options.plugins and not options.cropped:
        pitch, roll, yaw = head_pose(points)
        document["pose"] = {"pitch": pitch, "roll": roll, "yaw": yaw}
    if options.embeddings and isinstance(found, EmbeddedFace | PerhapsEmbeddedFace):
        document["embedding"] = found.embedding
    if options.status:
        document["execution_time"] = {"detector": round(duration_ms, 1)}
    return document


def recognised(
    found: RankedFace,
    image: ImageSize,
    options: AnswerOptions,
    duration_ms: float,
    curve: SimilarityCurve,
) -> Document:
    """Tell of a face and of the examples that are nearest to it."""
    return {**face(found, image, options, duration_ms), "subjects": subjects(found, curve)}


def verified(
    found: RankedFace,
    image: ImageSize,
    options: AnswerOptions,
    duration_ms: float,
    curve: SimilarityCurve,
) -> Document:
    """Tell of a face and of its likeness with the one example that it was compared with."""
    [nearest] = subjects(found, curve)
    return {**face(found, image, options, duration_ms), **nearest}


def matched(
    found: ComparedTarget,
    image: ImageSize,
    options: AnswerOptions,
    duration_ms: float,
    curve: SimilarityCurve,
) -> Document:
    """Tell of a face of the target and of its likeness with the source's."""
    similarity = five_places(curve.of_cosine(found.similarity))
    return {**face(found, image, options, duration_ms), "similarity": similarity}


def subjects(found: RankedFace, curve: SimilarityCurve) -> list[Document]:
    """Return the candidates of a face, best first."""
    return [
        {
            "subject": candidate.subject,
            "similarity": five_places(curve.of_cosine(candidate.similarity)),
        }
        for candidate in found.candidates
    ]


def shares(found: RecognisedFace) -> list[Document]:
    """Return the candidates of a face with the trained matcher's share of each, best first."""
    return [
        {"subject": candidate.subject, "similarity": five_places(candidate.score)}
        for candidate in found.candidates
    ]


def versions(options: AnswerOptions, model: str) -> Document:
    """Return the versions of what has worked on a face, where they are asked for."""
    if not options.status:
        return {}
    known = {"calculator": f"vultus.{model}", "pose": "vultus.five-points"}
    named = {slug: version for slug, version in known.items() if slug in options.plugins}
    return {"plugins_versions": {"detector": "vultus.mtcnn", **named}}


def page(faces: Sequence[tuple[str, str]], *, number: int, size: int, total: int) -> Document:
    """Return a page of examples, each as ``(id, subject)``."""
    return {
        "faces": [{"image_id": one, "subject": subject} for one, subject in faces],
        "page_number": number,
        "page_size": size,
        "total_pages": -(-total // size),
        "total_elements": total,
    }


def _box(found: FaceResult, image: ImageSize, options: AnswerOptions) -> Document:
    box, probability = found.box, found.detection_confidence
    return {
        "probability": five_places(probability) if options.rounded else probability,
        "x_max": _within(box.x_max, image.width),
        "y_max": _within(box.y_max, image.height),
        "x_min": _within(box.x_min, image.width),
        "y_min": _within(box.y_min, image.height),
    }


def _within(edge: float, size: int) -> int:
    return min(max(round(edge), 0), size)
