"""What all tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, Float, ForeignKey, LargeBinary, MetaData, Text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can drop it, and types every column."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSON(none_as_null=True),
        bytes: LargeBinary(),
        float: Float(),
    }


class TenantRow(Base):
    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class TenantOwned:
    """A row is its transaction's tenant's, by the column's default; without one, the default's."""

    tenant_id: Mapped[UUID] = mapped_column(server_default=FetchedValue())


class TenantBound(TenantOwned):
    """A row that goes with its tenant's. Where rows are many, each would lock the tenant's."""

    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenants.id", ondelete="CASCADE"), server_default=FetchedValue()
    )
