from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import operation
from app.api.http.submission import submit
from app.api.http.uploads import UploadReader
from app.api.schemas.headers import SubmitHeaders
from app.api.schemas.jobs import EmbeddingJob
from app.api.schemas.queries import EmbeddingQuery
from app.api.schemas.submissions import EmbeddingParameters
from app.domain.access import Scope
from app.domain.job import JobType

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("embeddings", "The vectors of faces.", path="/embeddings")

_reader = UploadReader(EmbeddingParameters)


@ns.route("")
class EmbeddingList(Resource):
    """The vectors of faces."""

    @operation(
        ns,
        scope=Scope.READ,
        query=EmbeddingQuery,
        headers=SubmitHeaders,
        answers={200: EmbeddingJob, 202: EmbeddingJob},
        problems=(413, 415, 422, 429),
        upload=_reader,
    )
    def post(self, query: EmbeddingQuery) -> Response:
        """Embed the faces of every photograph sent."""
        upload = _reader.read(query)
        return submit(JobType.EMBEDDING, upload.parameters, query=query, images=upload.images)
