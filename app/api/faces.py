from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.http.pagination import answer_page, read_id
from app.api.http.photographs import PHOTOGRAPH, answer_photograph
from app.api.http.submission import answer_receipt, submit
from app.api.http.uploads import UploadReader
from app.api.schemas.faces import FaceLabel, FacePage, FaceQuery, FaceResource
from app.api.schemas.headers import SubmitHeaders, WaitHeaders
from app.api.schemas.jobs import EnrolmentJob, ErasureJob, WaitQuery
from app.api.schemas.queries import EnrolmentQuery
from app.api.schemas.submissions import EnrolmentParameters
from app.domain.access import Scope
from app.domain.job import JobType
from app.services.people.consents import require_in_order
from app.services.people.faces import (
    delete_face,
    get_face,
    get_face_image,
    list_faces,
    relabel_face,
)
from app.web.context import collection_memory, current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

ns = Namespace("faces", "Enrolled faces.", path="/collections/<collection>/faces")

_reader = UploadReader(EnrolmentParameters)


@ns.route("")
@ns.param("collection", "Id or name of the collection.")
class FaceList(Resource):
    """All faces of a collection."""

    @operation(ns, scope=Scope.READ, query=FaceQuery, answers={200: FacePage}, problems=(404,))
    def get(self, collection: str, query: FaceQuery) -> Response:
        """List faces in the order of their enrolment."""
        found = list_faces(
            collection,
            subject=query.subject,
            after=read_id(query),
            limit=query.size + 1,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer_page(
            FacePage,
            found,
            size=query.size,
            show=FaceResource.of,
            position=lambda face: [face.id],
        )

    @operation(
        ns,
        scope=Scope.WRITE,
        query=EnrolmentQuery,
        headers=SubmitHeaders,
        answers={200: EnrolmentJob, 202: EnrolmentJob},
        problems=(404, 409, 413, 415, 422, 429),
        upload=_reader,
    )
    def post(self, collection: str, query: EnrolmentQuery) -> Response:
        """Enrol the face of every photograph sent."""
        found = collection_memory().find(
            collection, caller=current_caller(), uow=current_container().uow
        )
        upload = _reader.read(query)
        require_in_order(
            upload.parameters.consent_expires_at,
            now=current_container().clock.now(),
            pointer="#/consent_expires_at",
        )
        return submit(
            JobType.ENROLMENT,
            upload.parameters,
            query=query,
            images=upload.images,
            collection=found,
        )


@ns.route("/<uuid:face_id>")
@ns.param("collection", "Id or name of the collection.")
@ns.param("face_id", "Id of the face.")
class FaceItem(Resource):
    """One enrolled face."""

    @operation(ns, scope=Scope.READ, answers={200: FaceResource}, problems=(404,))
    def get(self, collection: str, face_id: UUID) -> Response:
        """Show a face."""
        face = get_face(collection, face_id, caller=current_caller(), uow=current_container().uow)
        return answer(FaceResource.of(face))

    @operation(
        ns,
        scope=Scope.WRITE,
        body=FaceLabel,
        answers={200: FaceResource},
        problems=(404, 422, 423),
    )
    def patch(self, collection: str, face_id: UUID, body: FaceLabel) -> Response:
        """Set whom a face shows, or whom it does not show; no later job changes that."""
        face = relabel_face(
            collection,
            face_id,
            subject=body.subject,
            not_subject=body.not_subject,
            caller=current_caller(),
            uow=current_container().uow,
            clock=current_container().clock,
        )
        return answer(FaceResource.of(face))

    @operation(
        ns,
        scope=Scope.WRITE,
        query=WaitQuery,
        headers=WaitHeaders,
        answers={200: ErasureJob, 202: ErasureJob},
        problems=(404, 423),
    )
    def delete(self, collection: str, face_id: UUID, query: WaitQuery) -> Response:
        """Erase a face and the photograph that only it uses; the job is the receipt."""
        container = current_container()
        receipt = delete_face(
            collection,
            face_id,
            receipts=container.receipts,
            caller=current_caller(),
            uow=container.uow,
        )
        return answer_receipt(receipt, query=query)


@ns.route("/<uuid:face_id>/image")
@ns.param("collection", "Id or name of the collection.")
@ns.param("face_id", "Id of the face.")
class FaceImage(Resource):
    """The photograph of an enrolled face."""

    @operation(ns, scope=Scope.READ, answers={200: PHOTOGRAPH}, problems=(404,))
    def get(self, collection: str, face_id: UUID) -> Response:
        """Return the photograph that the face was found in, if the collection kept it."""
        image = get_face_image(
            collection, face_id, caller=current_caller(), uow=current_container().uow
        )
        return answer_photograph(image)
