from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import operation
from app.api.http.submission import submit
from app.api.http.uploads import UploadReader
from app.api.schemas.headers import SubmitHeaders
from app.api.schemas.jobs import RecognitionJob
from app.api.schemas.queries import RecognitionQuery
from app.api.schemas.submissions import RecognitionParameters
from app.domain.access import Scope
from app.domain.job import JobType
from app.web.context import collection_memory, current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace(
    "recognitions", "Who is in a photograph.", path="/collections/<collection>/recognitions"
)

_reader = UploadReader(RecognitionParameters)


@ns.route("")
@ns.param("collection", "Id or name of the collection.")
class RecognitionList(Resource):
    """Searches of a collection."""

    @operation(
        ns,
        scope=Scope.READ,
        query=RecognitionQuery,
        headers=SubmitHeaders,
        answers={200: RecognitionJob, 202: RecognitionJob},
        problems=(404, 409, 413, 415, 422, 429),
        upload=_reader,
    )
    def post(self, collection: str, query: RecognitionQuery) -> Response:
        """Search the collection for every face of the photographs sent."""
        found = collection_memory().find(
            collection, caller=current_caller(), uow=current_container().uow
        )
        upload = _reader.read(query)
        return submit(
            JobType.RECOGNITION,
            upload.parameters,
            query=query,
            images=upload.images,
            collection=found,
        )
