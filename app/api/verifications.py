from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import operation
from app.api.http.submission import submit
from app.api.http.uploads import UploadReader
from app.api.schemas.headers import SubmitHeaders
from app.api.schemas.jobs import VerificationJob
from app.api.schemas.queries import VerificationQuery
from app.api.schemas.submissions import VerificationParameters
from app.domain.access import Scope
from app.domain.job import JobType

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("verifications", "Whether two photographs show one person.", path="/verifications")

_SLOTS = ("source", "target")
_reader = UploadReader(VerificationParameters, slots=_SLOTS)


@ns.route("")
class VerificationList(Resource):
    """Whether two photographs show one person."""

    @operation(
        ns,
        scope=Scope.READ,
        query=VerificationQuery,
        headers=SubmitHeaders,
        answers={200: VerificationJob, 202: VerificationJob},
        problems=(413, 415, 422, 429),
        upload=_reader,
    )
    def post(self, query: VerificationQuery) -> Response:
        """Compare the face of one photograph with that of another."""
        upload = _reader.read(query)
        return submit(JobType.VERIFICATION, upload.parameters, query=query, images=upload.images)
