"""Collections choose which faces they take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "collections", sa.Column("quality_gate", sa.Text(), nullable=False, server_default="basic")
    )
    op.alter_column("collections", "quality_gate", server_default=None)


def downgrade() -> None:
    op.drop_column("collections", "quality_gate")
