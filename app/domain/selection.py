"""Which face is meant where an image should show one."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.errors import NoFaceError, SeveralFacesError

if TYPE_CHECKING:
    from app.domain.detection import AnalysedFace, ImageAnalysis
    from app.domain.geometry import BoundingBox

#: How many times the area of the next face a prominent one covers: a person in front of a crowd
#: passes, two people side by side do not.
_PROMINENCE = 2.0


class FacePolicy(StrEnum):
    """How one face is chosen among several."""

    #: The largest, if it covers at least twice the area of the next; else refuse.
    PROMINENT = "prominent"
    LARGEST = "largest"
    #: Large and near the middle of the image, where a portrait has its subject.
    CENTRAL = "central"
    MOST_CONFIDENT = "most_confident"
    #: Refuse any image that shows more than one.
    REFUSE = "refuse"


def select_face(image: ImageAnalysis, policy: FacePolicy) -> AnalysedFace:
    """Return the face that the policy means.

    Raises: NoFaceError: the image shows none. SeveralFacesError: the policy allows no choice.
    """
    faces = sorted(image.faces, key=lambda face: -face.detection.box.area)
    if not faces:
        raise NoFaceError
    if len(faces) == 1:
        return faces[0]
    if policy is FacePolicy.CENTRAL:
        middle = (image.width / 2, image.height / 2)
        return max(faces, key=lambda face: _centrality(face.detection.box, middle))
    if policy is FacePolicy.MOST_CONFIDENT:
        return max(faces, key=lambda face: face.detection.confidence)
    if policy is FacePolicy.REFUSE or (
        policy is FacePolicy.PROMINENT
        and faces[0].detection.box.area < _PROMINENCE * faces[1].detection.box.area
    ):
        raise SeveralFacesError(
            f"{len(faces)} faces were found, and one is needed. Crop the image, or choose one with "
            "face_policy=largest, central or most_confident."
        )
    return faces[0]


def meant_faces(image: ImageAnalysis, policy: FacePolicy | None) -> tuple[AnalysedFace, ...]:
    """Return all faces, or the one that a policy means where one was asked for.

    Raises: NoFaceError, SeveralFacesError: as ``select_face``.
    """
    return image.faces if policy is None else (select_face(image, policy),)


def _centrality(box: BoundingBox, middle: tuple[float, float]) -> float:
    """Area minus twice the squared distance to the middle, in square pixels.

    Source: facenet-pytorch's ``center_weighted_size``.
    """
    return box.area - 2 * math.dist(box.centre, middle) ** 2
