"""Keys, and what they open."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base, TenantBound


class ApiKeyRow(TenantBound, Base):
    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    public_id: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes]
    previous_secret_hash: Mapped[bytes | None]
    previous_secret_until: Mapped[datetime | None]
    scope: Mapped[str]
    collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApplicationRow(TenantBound, Base):
    __tablename__ = "applications"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class ServiceRow(TenantBound, Base):
    __tablename__ = "services"
    __table_args__ = (UniqueConstraint("application_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"))
    name: Mapped[str]
    type: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]


class ServiceCallsRow(Base):
    __tablename__ = "service_calls"
    __table_args__ = (PrimaryKeyConstraint("service_id", "day"),)

    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id", ondelete="CASCADE"))
    #: In UTC.
    day: Mapped[date]
    calls: Mapped[int]
