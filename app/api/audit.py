from __future__ import annotations

from typing import TYPE_CHECKING

from flask_restx import Namespace, Resource

from app.api.http.operation import operation
from app.api.http.pagination import answer_page, read_id
from app.api.schemas.audit import AuditPage, AuditQuery, AuditRecordResource
from app.domain.access import Scope
from app.services.access.audit_trail import list_records
from app.web.context import current_caller, current_container

if TYPE_CHECKING:
    from flask import Response

ns = Namespace("audit", "Who did what; only admin keys for all collections see it.", "/audit")


@ns.route("")
class AuditList(Resource):
    """The audit trail."""

    @operation(ns, scope=Scope.ADMIN, query=AuditQuery, answers={200: AuditPage})
    def get(self, query: AuditQuery) -> Response:
        """List what was done and what was refused, newest first."""
        found = list_records(
            action=query.action,
            target_id=query.target_id,
            before=read_id(query),
            limit=query.size + 1,
            caller=current_caller(),
            uow=current_container().uow,
        )
        return answer_page(
            AuditPage,
            found,
            size=query.size,
            show=AuditRecordResource.of,
            position=lambda record: [record.id],
        )
