from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.http.pagination import answer_page, read_name
from app.api.http.submission import answer_receipt
from app.api.schemas.headers import WaitHeaders
from app.api.schemas.jobs import ErasureJob, WaitQuery
from app.api.schemas.subjects import SubjectPage, SubjectQuery, SubjectRequest, SubjectResource
from app.domain.access import Scope
from app.services.people.subjects import (
    create_subject,
    delete_subject,
    get_subject,
    list_subjects,
    rename_subject,
)
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace(
    "subjects", "The people known to a collection.", path="/collections/<collection>/subjects"
)


@ns.route("")
@ns.param("collection", "Id or name of the collection.")
class SubjectList(Resource):
    """All subjects of a collection."""

    @operation(
        ns, scope=Scope.READ, query=SubjectQuery, answers={200: SubjectPage}, problems=(404,)
    )
    def get(self, collection: str, query: SubjectQuery) -> Response:
        """List subjects by name."""
        found = list_subjects(
            collection,
            name=query.name,
            after=read_name(query),
            limit=query.size + 1,
            without_consent_at=current_container().clock.now() if query.without_consent else None,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer_page(
            SubjectPage,
            found,
            size=query.size,
            show=SubjectResource.of,
            position=lambda subject: [subject.name],
        )

    @operation(
        ns,
        scope=Scope.WRITE,
        body=SubjectRequest,
        answers={201: SubjectResource},
        problems=(404, 409),
    )
    def post(self, collection: str, body: SubjectRequest) -> Response:
        """Create a subject without faces; an enrolment creates its subject by itself."""
        subject = create_subject(
            collection, body.name, caller=current_caller(), uow=current_container().uow
        )
        location = f"/v1/collections/{subject.collection_id}/subjects/{subject.id}"
        return answer(SubjectResource.of(subject), 201, {"Location": location})


@ns.route("/<subject>")
@ns.param("collection", "Id or name of the collection.")
@ns.param("subject", "Id or name of the subject.")
class SubjectItem(Resource):
    """One subject."""

    @operation(ns, scope=Scope.READ, answers={200: SubjectResource}, problems=(404,))
    def get(self, collection: str, subject: str) -> Response:
        """Show a subject."""
        found = get_subject(
            collection, subject, caller=current_caller(), uow=current_container().uow
        )
        return answer(SubjectResource.of(found))

    @operation(
        ns,
        scope=Scope.WRITE,
        body=SubjectRequest,
        answers={200: SubjectResource},
        problems=(404, 409),
    )
    def patch(self, collection: str, subject: str, body: SubjectRequest) -> Response:
        """Rename a subject."""
        renamed = rename_subject(
            collection, subject, body.name, caller=current_caller(), uow=current_container().uow
        )
        return answer(SubjectResource.of(renamed))

    @operation(
        ns,
        scope=Scope.WRITE,
        query=WaitQuery,
        headers=WaitHeaders,
        answers={200: ErasureJob, 202: ErasureJob},
        problems=(404, 423),
    )
    def delete(self, collection: str, subject: str, query: WaitQuery) -> Response:
        """Erase a subject from everything that knows it; the job is the receipt."""
        container = current_container()
        receipt = delete_subject(
            collection,
            subject,
            receipts=container.receipts,
            caller=current_caller(),
            uow=container.uow,
        )
        return answer_receipt(receipt, query=query)
