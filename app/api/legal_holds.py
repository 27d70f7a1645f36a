from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, answer_nothing, operation
from app.api.schemas.consents import LegalHoldRequest, LegalHoldResource
from app.domain.access import Scope
from app.services.people.legal_holds import get_hold, lift_hold, place_hold
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("legal-holds", "What must not be erased for now.", path="/collections/<collection>")

_CREATED, _HELD = HTTPStatus.CREATED, HTTPStatus.OK


@ns.route("/legal-hold")
@ns.param("collection", "Id or name of the collection.")
class CollectionHold(Resource):
    """The hold on a collection."""

    @operation(ns, scope=Scope.ADMIN, answers={200: LegalHoldResource}, problems=(404,))
    def get(self, collection: str) -> Response:
        """Show the hold on a collection."""
        return _show(collection, None)

    @operation(
        ns,
        scope=Scope.ADMIN,
        body=LegalHoldRequest,
        answers={_HELD: LegalHoldResource, _CREATED: LegalHoldResource},
        problems=(404, 409),
    )
    def put(self, collection: str, body: LegalHoldRequest) -> Response:
        """Keep a collection and everyone in it from being erased."""
        return _place(collection, None, body)

    @operation(ns, scope=Scope.ADMIN, answers={204: None}, problems=(404,))
    def delete(self, collection: str) -> Response:
        """Lift the hold on a collection; holds on its subjects stay."""
        return _lift(collection, None)


@ns.route("/subjects/<subject>/legal-hold")
@ns.param("collection", "Id or name of the collection.")
@ns.param("subject", "Id or name of the subject.")
class SubjectHold(Resource):
    """The hold on a subject."""

    @operation(ns, scope=Scope.ADMIN, answers={200: LegalHoldResource}, problems=(404,))
    def get(self, collection: str, subject: str) -> Response:
        """Show the hold on a subject."""
        return _show(collection, subject)

    @operation(
        ns,
        scope=Scope.ADMIN,
        body=LegalHoldRequest,
        answers={_HELD: LegalHoldResource, _CREATED: LegalHoldResource},
        problems=(404, 409),
    )
    def put(self, collection: str, subject: str, body: LegalHoldRequest) -> Response:
        """Keep a subject and its faces from being erased."""
        return _place(collection, subject, body)

    @operation(ns, scope=Scope.ADMIN, answers={204: None}, problems=(404,))
    def delete(self, collection: str, subject: str) -> Response:
        """Lift the hold on a subject; one on its collection stays."""
        return _lift(collection, subject)


def _show(collection: str, subject: str | None) -> Response:
    hold = get_hold(collection, subject, caller=current_caller(), uow=current_container().uow)
    return answer(LegalHoldResource.of(hold))


def _place(collection: str, subject: str | None, body: LegalHoldRequest) -> Response:
    container = current_container()
    hold, new = place_hold(
        collection,
        subject,
        reference=body.reference,
        caller=current_caller(),
        uow=container.uow,
        clock=container.clock,
    )
    return answer(LegalHoldResource.of(hold), _CREATED if new else _HELD)


def _lift(collection: str, subject: str | None) -> Response:
    lift_hold(collection, subject, caller=current_caller(), uow=current_container().uow)
    return answer_nothing()
