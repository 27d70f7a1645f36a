"""What the calls that take images have in common: their parameters, their job and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.compat.compreface.errors import models_failed, no_face
from app.compat.compreface.jobs import run_job
from app.compat.compreface.parameters import Parameters, detection_threshold
from app.compat.compreface.similarity import SimilarityCurve, load_curves
from app.compat.compreface.translate import Document, Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.domain.job import Job, JobType

#: What CompreFace's default build starts from; its detector is an MTCNN too.
DETECTION_THRESHOLD = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The parameters that every call with images takes."""

    wishes: Wishes
    #: Faces to answer for, largest first; all when absent.
    limit: int | None
    #: The least confidence of a face.
    threshold: float

    @classmethod
    def read(cls, parameters: Parameters, *, rounded: bool = True, croppable: bool = False) -> Call:
        """Read them. Raises: CompreFaceError."""
        cropped = croppable and not parameters.flag("detect_faces", default=True)
        return cls(
            wishes=Wishes(
                plugins=parameters.plugins(),
                status=parameters.flag("status", default=False),
                cropped=cropped,
                rounded=rounded,
            ),
            limit=parameters.whole("limit", 0, least=0, label="Limit") or None,
            threshold=detection_threshold(parameters, default=DETECTION_THRESHOLD),
        )

    def job_parameters(self) -> dict[str, Any]:
        """Return them as parameters of a job."""
        return {
            "detection_threshold": self.threshold,
            "max_faces": self.limit,
            "include_embeddings": self.wishes.embeddings or None,
            "cropped": self.wishes.cropped or None,
        }


def analyse(
    call: Call, job_type: JobType, image: bytes, parameters: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Job]:
    """Return what a job says of an image that shows faces, and the job. Raises: CompreFaceError."""
    job = run_job(job_type, {**call.job_parameters(), **parameters}, [image])
    if job.result is None:
        raise models_failed("the job has no result")
    [document] = job.result["images"]
    if not document["faces"]:
        raise no_face()
    return document, job


def faces_of(
    image: Mapping[str, Any],
    job: Job,
    tell: Callable[[Mapping[str, Any], Mapping[str, Any], float], Document],
) -> list[Document]:
    """Return what ``tell`` makes of each face, the image and the time spent on one face."""
    faces: Sequence[Mapping[str, Any]] = image["faces"]
    duration_ms = duration_of(job) / len(faces)
    return [tell(face, image, duration_ms) for face in faces]


def duration_of(job: Job) -> float:
    """Return the milliseconds that a worker has spent on a job."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return (job.finished_at - job.started_at).total_seconds() * 1000


def curve_of(model: str) -> SimilarityCurve:
    """Return the curve of a model. Raises: CompreFaceError: it has none."""
    curve = load_curves().get(model)
    if curve is None:
        raise models_failed("the model has no similarity curve")
    return curve
