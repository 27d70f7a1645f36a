"""Which face is meant where a caller means one."""

from typing import Literal

import numpy as np

from app.domain.detection import AnalysedFace, ImageAnalysis
from app.domain.errors import NoFaceError, SeveralFacesError

FacePolicy = Literal["largest", "central", "most-confident", "refuse"]


def select_face(analysis: ImageAnalysis, policy: FacePolicy) -> AnalysedFace:
    """Return the one face that is meant.

    ``central`` weighs size against distance from the image's centre: of two faces of one size it
    takes the one nearer to the centre, and a large one a little off the centre wins over a small
    one in its middle. ``refuse`` takes only an image with exactly one face.

    Raises: NoFaceError: there is none. SeveralFacesError: there are several and the policy refuses.
    """
    faces = analysis.faces
    if not faces:
        raise NoFaceError
    if policy == "refuse" and len(faces) > 1:
        raise SeveralFacesError(
            f"{len(faces)} faces were found; crop the image or choose a face policy."
        )
    if policy == "most-confident":
        return max(faces, key=lambda face: face.detection.confidence)
    if policy == "central":
        return max(faces, key=lambda face: _centrality(face, analysis))
    return max(faces, key=lambda face: face.detection.box.area)


def _centrality(face: AnalysedFace, analysis: ImageAnalysis) -> float:
    """Area minus twice the squared distance to the centre, all in square pixels.

    Source: facenet-pytorch's ``center_weighted_size``.
    """
    centre = np.array(face.detection.box.centre)
    offset = centre - np.array([analysis.width / 2, analysis.height / 2])
    return float(face.detection.box.area - 2 * (offset**2).sum())
