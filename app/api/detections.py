from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import operation
from app.api.http.submission import submit
from app.api.http.uploads import UploadReader
from app.api.schemas.headers import SubmitHeaders
from app.api.schemas.jobs import DetectionJob
from app.api.schemas.queries import DetectionQuery
from app.api.schemas.submissions import DetectionParameters
from app.domain.access import Scope
from app.domain.job import JobType

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("detections", "Where the faces of a photograph are.", path="/detections")

_reader = UploadReader(DetectionParameters)


@ns.route("")
class DetectionList(Resource):
    """Where the faces of a photograph are."""

    @operation(
        ns,
        scope=Scope.READ,
        query=DetectionQuery,
        headers=SubmitHeaders,
        answers={200: DetectionJob, 202: DetectionJob},
        problems=(413, 415, 422, 429),
        upload=_reader,
    )
    def post(self, query: DetectionQuery) -> Response:
        """Find the faces of every photograph sent."""
        upload = _reader.read(query)
        return submit(JobType.DETECTION, upload.parameters, query=query, images=upload.images)
