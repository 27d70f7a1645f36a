"""Endpoints, and what is sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, PrimaryKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base, TenantBound


class EndpointRow(TenantBound, Base):
    __tablename__ = "endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    signing_key: Mapped[str | None]
    previous_signing_key: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    owner_id: Mapped[UUID | None] = mapped_column(index=True)
    enabled: Mapped[bool]
    disabled_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    throttled_until: Mapped[datetime | None]
    #: The number of the last event.
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_endpoint_id", "endpoint_id", "created_at", "id"),
        Index(
            "ix_deliveries_next_attempt_at",
            "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_deliveries_pending",
            "endpoint_id",
            "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("endpoints.id", ondelete="CASCADE"))
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempt: Mapped[int]
    schedule_start: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class AttemptRow(Base):
    __tablename__ = "attempts"
    __table_args__ = (PrimaryKeyConstraint("delivery_id", "number"),)

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime]
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    retry_after_s: Mapped[int | None]
    duration_ms: Mapped[int]
