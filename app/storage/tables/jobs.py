"""Jobs, what they bring, and who works on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base, TenantOwned


class JobRow(TenantOwned, Base):
    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')",
            name="state",
        ),
        Index("ix_jobs_listing", "tenant_id", "created_at", "id"),
        Index("ix_jobs_queued", "created_at", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_turn", "lane", "turn", "id", postgresql_where=text("state = 'queued'")),
        Index(
            "ix_jobs_tenant_turn",
            "tenant_id",
            "lane",
            "turn",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_jobs_publish_at", "publish_at", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_lease_until", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str]
    state: Mapped[str]
    #: No foreign key: a job outlives the key that submitted it.
    owner_id: Mapped[UUID | None] = mapped_column(index=True)
    collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), index=True
    )
    parameters: Mapped[dict[str, Any]]
    #: A lower lane goes first: app.domain.backlog.Lane.
    lane: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    #: Its place in its lane, in images: see app/docs/decisions/0015.
    turn: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    done: Mapped[int]
    total: Mapped[int]
    attempt: Mapped[int]
    losses: Mapped[int]
    excused: Mapped[int] = mapped_column(server_default=text("0"))
    claimed_by: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    publish_at: Mapped[datetime]
    publishes: Mapped[int]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    requeued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class ImageRow(TenantOwned, Base):
    __tablename__ = "images"
    __table_args__ = (Index("ix_images_job_id", "job_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The job that still needs the image; none once only faces refer to it.
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int]
    #: The photograph, encrypted unless it was stored before there were keys.
    data: Mapped[bytes]
    sealed: Mapped[bool] = mapped_column(server_default=text("false"))


class ImageKeyRow(TenantOwned, Base):
    __tablename__ = "image_keys"

    image_id: Mapped[UUID] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[bytes]


class PulseRow(Base):
    __tablename__ = "pulses"

    part: Mapped[str] = mapped_column(primary_key=True)
    left_at: Mapped[datetime]


class IdempotencyKeyRow(TenantOwned, Base):
    __tablename__ = "idempotency_keys"
    __table_args__ = (PrimaryKeyConstraint("owner_id", "route", "key"),)

    owner_id: Mapped[UUID]
    route: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[bytes]
    job_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
