import pytest

from app.domain.detection import AnalysedFace, Detection, ImageAnalysis
from app.domain.errors import NoFaceError, SeveralFacesError
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from workers.selection import select_face


def face(x, y, side, confidence):
    box = BoundingBox(x_min=x, y_min=y, x_max=x + side, y_max=y + side)
    landmarks = FiveLandmarks(**dict.fromkeys(FiveLandmarks.__slots__, Point(x, y)))
    return AnalysedFace(detection=Detection(box=box, landmarks=landmarks, confidence=confidence))


LARGE_IN_THE_CORNER = face(0, 0, 50, 0.95)
SMALL_IN_THE_MIDDLE = face(80, 80, 40, 0.9)
SURE_AND_TINY = face(150, 150, 10, 0.99)
IMAGE = ImageAnalysis(
    width=200, height=200, faces=(LARGE_IN_THE_CORNER, SMALL_IN_THE_MIDDLE, SURE_AND_TINY)
)


@pytest.mark.parametrize(
    ("policy", "meant"),
    [
        ("largest", LARGE_IN_THE_CORNER),
        ("central", SMALL_IN_THE_MIDDLE),
        ("most-confident", SURE_AND_TINY),
    ],
)
def test_policy_picks_its_face(policy, meant):
    assert select_face(IMAGE, policy) is meant


def test_refusing_policy_refuses_several_faces():
    with pytest.raises(SeveralFacesError, match="3 faces"):
        select_face(IMAGE, "refuse")


@pytest.mark.parametrize("policy", ["largest", "central", "most-confident", "refuse"])
def test_one_face_is_meant_and_none_is_an_error_whatever_the_policy(policy):
    one = ImageAnalysis(width=200, height=200, faces=(SURE_AND_TINY,))
    none = ImageAnalysis(width=200, height=200, faces=())

    assert select_face(one, policy) is SURE_AND_TINY
    with pytest.raises(NoFaceError):
        select_face(none, policy)
