"""What is kept of what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base, TenantOwned


class ErasureRow(Base):
    """Something that was deleted; a restored backup forgets it again."""

    __tablename__ = "erasures"
    __table_args__ = (
        PrimaryKeyConstraint("kind", "id"),
        Index(
            "ix_erasures_pending",
            "at",
            postgresql_where=text("gone_at IS NULL OR gone_at = 'infinity'"),
        ),
    )

    kind: Mapped[str]
    id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    #: When a scrub had taken its bytes out of the database's files; infinity while one is at it.
    gone_at: Mapped[datetime | None]


class AuditRow(TenantOwned, Base):
    """What was done. Rows are sealed once and then never change: triggers see to that."""

    __tablename__ = "audit_records"
    __table_args__ = (
        Index("ix_audit_records_listing", "tenant_id", "id"),
        Index("ix_audit_records_unsealed", "id", postgresql_where=text("sequence IS NULL")),
        Index(
            "ix_audit_records_sequence",
            "sequence",
            unique=True,
            postgresql_where=text("sequence IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    mac: Mapped[bytes | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    verdict: Mapped[str]
    target_kind: Mapped[str]
    target_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]]


class AuditHeadRow(Base):
    __tablename__ = "audit_heads"

    #: There is one.
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[bytes]
    pruned_sequence: Mapped[int] = mapped_column(BigInteger)
    pruned_mac: Mapped[bytes]
    seal: Mapped[bytes]


class SetbackRow(Base):
    """Something that a background loop leaves out for a while, as it has failed."""

    __tablename__ = "setbacks"
    __table_args__ = (PrimaryKeyConstraint("chore", "item"),)

    chore: Mapped[str]
    #: All zeros for a chore as a whole.
    item: Mapped[UUID]
    #: The kind of the error.
    fault: Mapped[str]
    failures: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(server_default=func.now())
    #: Until when it is left out.
    retry_at: Mapped[datetime]
