from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Label, Moment, Schema
from app.domain.access import Scope

if TYPE_CHECKING:
    from app.domain.access import ApiKey


class KeyRequest(Schema):
    """A key to make."""

    name: Label
    scope: Annotated[Scope, Field(examples=[Scope.READ.value])]
    collection: Annotated[
        str | None,
        Field(
            max_length=400,
            description="Id or name of the one collection that it opens.",
            examples=["staff"],
        ),
    ] = None
    expires_at: Moment | None = None


class RotationRequest(Schema):
    """How to change the secret of a key."""

    overlap_s: Annotated[
        int,
        Field(
            ge=0,
            le=30 * 86_400,
            description="Seconds for which the current secret works beside the new one.",
        ),
    ] = 86_400


class KeyResource(Schema):
    """An API key without its secret."""

    id: UUID
    name: str
    public_id: Annotated[str, Field(description="The part between the underscores of the key.")]
    scope: Scope
    collection_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    previous_secret_until: Annotated[
        datetime | None,
        Field(description="Until when the secret before the last rotation is good too."),
    ]

    @classmethod
    def of(cls, key: ApiKey) -> KeyResource:
        """Show a key."""
        return cls(**_shown(key))


class NewKeyResource(KeyResource):
    """A key that was just made or rotated; the only answer that ever holds the key itself."""

    key: Annotated[str, Field(description="Keep it: it is not shown again.")]

    @classmethod
    def showing(cls, key: ApiKey, credential: str) -> NewKeyResource:
        """Show a key with its credential."""
        return cls(**_shown(key), key=credential)


class KeyList(Schema):
    """Every key, oldest first."""

    items: list[KeyResource]


def _shown(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyResource.model_fields}
