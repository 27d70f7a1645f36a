"""Interactive jobs before bulk work, and the calls of a service by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.storage.database.row_security import of_parent, protect
from app.storage.upkeep.patient_ddl import build_index, unhurried

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE jobs ADD COLUMN IF NOT EXISTS lane smallint NOT NULL DEFAULT 1")
    with unhurried():
        build_index("ix_jobs_lane", "jobs (lane, created_at) WHERE state = 'queued'")
    op.create_table(
        "service_calls",
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name=op.f("fk_service_calls_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("service_id", "day", name=op.f("pk_service_calls")),
    )
    op.execute(protect("service_calls", of_parent("service_id", "services")))


def downgrade() -> None:
    op.drop_table("service_calls")
    op.drop_index("ix_jobs_lane", table_name="jobs")
    op.drop_column("jobs", "lane")
