from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import answer, answer_nothing, operation
from app.api.schemas.keys import (
    KeyList,
    KeyRequest,
    KeyResource,
    NewKeyResource,
    RotationRequest,
)
from app.domain.access import Scope
from app.domain.errors import Fault, NotFoundError, ValidationFailedError
from app.services.access.keys import create_key, get_key, list_keys, revoke_key, rotate_key
from app.services.access.visibility import require_global
from app.services.people.collections import get_collection
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

ns = Namespace("keys", "API keys; only admin keys for all collections see them.", "/keys")


@ns.route("")
class KeyCollection(Resource):
    """All keys."""

    @operation(ns, scope=Scope.ADMIN, answers={200: KeyList})
    def get(self) -> Response:
        """List every key, oldest first, revoked ones too."""
        found = list_keys(caller=current_caller(), uow=current_container().uow)
        return answer(KeyList(items=[KeyResource.of(key) for key in found]))

    @operation(ns, scope=Scope.ADMIN, body=KeyRequest, answers={201: NewKeyResource})
    def post(self, body: KeyRequest) -> Response:
        """Create a key. This answer is the only one that shows it."""
        require_global(current_caller())  # before what is wrong with the body
        container = current_container()
        if body.expires_at is not None and body.expires_at <= container.clock.now():
            raise ValidationFailedError(
                [Fault(detail="Must be in the future.", pointer="#/expires_at")]
            )
        key, credential = create_key(
            name=body.name,
            scope=body.scope,
            collection_id=_collection_id(body.collection),
            expires_at=body.expires_at,
            caller=current_caller(),
            uow=container.uow,
            clock=container.clock,
        )
        shown = NewKeyResource.showing(key, str(credential))
        return answer(shown, 201, {"Location": f"/v1/keys/{key.id}"})


@ns.route("/<uuid:key_id>")
@ns.param("key_id", "Id of the key.")
class KeyItem(Resource):
    """One key."""

    @operation(ns, scope=Scope.ADMIN, answers={200: KeyResource}, problems=(404,))
    def get(self, key_id: UUID) -> Response:
        """Show a key without its secret."""
        found = get_key(key_id, caller=current_caller(), uow=current_container().uow)
        return answer(KeyResource.of(found))

    @operation(ns, scope=Scope.ADMIN, answers={204: None}, problems=(404, 409))
    def delete(self, key_id: UUID) -> Response:
        """Revoke a key for good; it opens nothing from half a second later at the latest."""
        container = current_container()
        revoke_key(key_id, caller=current_caller(), uow=container.uow, clock=container.clock)
        return answer_nothing()


@ns.route("/<uuid:key_id>/rotate")
@ns.param("key_id", "Id of the key.")
class KeyRotation(Resource):
    """The change of a key's secret."""

    @operation(
        ns,
        scope=Scope.ADMIN,
        body=RotationRequest,
        answers={200: NewKeyResource},
        problems=(404, 409),
    )
    def post(self, key_id: UUID, body: RotationRequest) -> Response:
        """Create a new secret; the current one works beside it until the overlap ends."""
        container = current_container()
        key, credential = rotate_key(
            key_id,
            overlap=timedelta(seconds=body.overlap_s),
            caller=current_caller(),
            uow=container.uow,
            clock=container.clock,
        )
        return answer(NewKeyResource.showing(key, str(credential)))


def _collection_id(reference: str | None) -> UUID | None:
    if reference is None:
        return None
    try:
        return get_collection(reference, caller=current_caller(), uow=current_container().uow).id
    except NotFoundError as error:
        raise ValidationFailedError([Fault(detail=error.detail, pointer="#/collection")]) from error
