from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, operation
from app.api.schemas.consents import (
    ConsentList,
    ConsentRequest,
    ConsentResource,
    WithdrawalResource,
)
from app.domain.access import Scope
from app.domain.consent import ConsentTerms
from app.services.people.consents import give_consent, list_consents, withdraw_consent
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

ns = Namespace(
    "consents",
    "What subjects have agreed to.",
    path="/collections/<collection>/subjects/<subject>/consents",
)


@ns.route("")
@ns.param("collection", "Id or name of the collection.")
@ns.param("subject", "Id or name of the subject.")
class ConsentCollection(Resource):
    """All consents of a subject."""

    @operation(ns, scope=Scope.READ, answers={200: ConsentList}, problems=(404,))
    def get(self, collection: str, subject: str) -> Response:
        """List every consent of a subject, also those that have ended."""
        container = current_container()
        found = list_consents(collection, subject, caller=current_caller(), uow=container.uow)
        now = container.clock.now()
        return answer(ConsentList(items=[ConsentResource.of(one, now=now) for one in found]))

    @operation(
        ns,
        scope=Scope.WRITE,
        body=ConsentRequest,
        answers={201: ConsentResource},
        problems=(404,),
    )
    def post(self, collection: str, subject: str, body: ConsentRequest) -> Response:
        """Record a consent of a subject."""
        container = current_container()
        consent = give_consent(
            collection,
            subject,
            ConsentTerms(
                purpose=body.purpose,
                text_version=body.text_version,
                expires_at=body.expires_at,
                reference=body.reference,
            ),
            given_at=body.given_at,
            caller=current_caller(),
            uow=container.uow,
            clock=container.clock,
        )
        return answer(ConsentResource.of(consent, now=container.clock.now()), 201)


@ns.route("/<uuid:consent_id>/withdraw")
@ns.param("collection", "Id or name of the collection.")
@ns.param("subject", "Id or name of the subject.")
@ns.param("consent_id", "Id of the consent.")
class ConsentWithdrawal(Resource):
    """The withdrawal of a consent."""

    @operation(ns, scope=Scope.WRITE, answers={200: WithdrawalResource}, problems=(404,))
    def post(self, collection: str, subject: str, consent_id: UUID) -> Response:
        """Withdraw a consent with all others of the subject, and erase the subject's faces."""
        container = current_container()
        withdrawal = withdraw_consent(
            collection,
            subject,
            consent_id,
            receipts=container.receipts,
            caller=current_caller(),
            uow=container.uow,
        )
        return answer(WithdrawalResource.of(withdrawal, now=container.clock.now()))
