"""What the results of jobs say of an image that was not used whole."""

from __future__ import annotations

from dataclasses import replace

from factories import analysed_face, image_analysis, model_profile

from app.domain.detection import ImageWarning
from app.domain.documents import from_document, to_document
from app.domain.job_parameters import VerificationParameters
from app.domain.job_results import DetectionResult
from app.domain.selection import FacePolicy
from app.services.recognition.detect import detected
from app.services.recognition.verify import verified

WHOLE = image_analysis(analysed_face())
CUT = replace(WHOLE, warnings=(ImageWarning.INCOMPLETE, ImageWarning.REDUCED))


def test_an_image_carries_its_warnings_and_one_without_any_no_member_for_them():
    result = detected([CUT, WHOLE]).result

    cut, whole = to_document(result)["images"]
    assert cut["warnings"] == ["incomplete", "reduced"]
    assert "warnings" not in whole
    assert from_document(DetectionResult, to_document(result)) == result


def test_the_faces_of_a_verification_carry_those_of_their_images():
    parameters = VerificationParameters(face_policy=FacePolicy.PROMINENT)

    result = to_document(verified(parameters, [WHOLE, CUT], model_profile()).result)

    assert "warnings" not in result["source"]
    assert result["target"]["warnings"] == ["incomplete", "reduced"]
