from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Moment, Page, PageQuery, Schema
from app.domain.audit import Action, ActorKind, Verdict

if TYPE_CHECKING:
    from app.domain.audit import AuditRecord


class AuditQuery(PageQuery):
    """Which records to list."""

    action: Annotated[Action | None, Field(description="Only records of this action.")] = None
    target_id: Annotated[UUID | None, Field(description="Only records of this thing.")] = None


class AuditActor(Schema):
    """Who did it."""

    kind: ActorKind
    id: Annotated[UUID | None, Field(description="Of the key or service.")] = None


class AuditTarget(Schema):
    """What it was done to."""

    kind: Annotated[str, Field(examples=["subject"])]
    id: UUID | None = None


class AuditRecordResource(Schema):
    """One action; ids, numbers and words of the service, and never a name."""

    id: UUID
    at: Moment
    actor: AuditActor
    action: Annotated[str, Field(examples=[Action.DELETE_SUBJECT.value])]
    verdict: Verdict
    target: AuditTarget
    request_id: Annotated[
        str | None, Field(description="The X-Request-Id of the answer to the request.")
    ] = None
    details: dict[str, Any]
    #: Its place in the chain is not shown: it would show how busy other tenants are.
    sealed: Annotated[
        bool, Field(description="Whether a change of the record would be noticed by now.")
    ]

    @classmethod
    def of(cls, record: AuditRecord) -> AuditRecordResource:
        """Return what a caller sees of a record."""
        return cls(
            id=record.id,
            at=record.at,
            actor=AuditActor(kind=record.actor.kind, id=record.actor.id),
            action=record.action,
            verdict=Verdict(record.verdict),
            target=AuditTarget(kind=record.target_kind, id=record.target_id),
            request_id=record.request_id,
            details=dict(record.details),
            sealed=record.sequence is not None,
        )


class AuditPage(Page):
    """A part of the audit trail."""

    items: list[AuditRecordResource]
