"""``/verification``: whether two images show one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from app.compat.compreface import translate
from app.compat.compreface.calls import Call, curve_of, duration_of
from app.compat.compreface.context import authenticate
from app.compat.compreface.documents import answer
from app.compat.compreface.images import read_images
from app.compat.compreface.jobs import run_job
from app.compat.compreface.parameters import Parameters
from app.domain.compreface import ServiceType
from app.domain.job_parameters import VerificationParameters
from app.domain.job_results import ComparisonResult, ImageSize

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("compreface_verification", __name__)


@routes.before_request
def _authenticate() -> None:
    authenticate(ServiceType.VERIFY)


@routes.post("/verification/verify")
def verify() -> Response:
    """Compare the one face of the source with every face of the target."""
    call = Call.read(Parameters.of_request())
    images = read_images("source_image", "target_image")
    asked = VerificationParameters(
        **call.sought, include_embeddings=call.options.embeddings, all_targets=True
    )
    found, job = run_job(asked, images, ComparisonResult)
    curve, source = curve_of(found.model), found.source
    size = ImageSize(width=source.width, height=source.height)
    duration_ms = duration_of(job) / (1 + len(found.targets))
    return answer(
        {
            "result": [
                {
                    "source_image_face": translate.face(source, size, call.options, duration_ms),
                    "face_matches": [
                        translate.matched(one, found.target, call.options, duration_ms, curve)
                        for one in found.targets
                    ],
                    **translate.versions(call.options, found.model),
                }
            ]
        }
    )
