"""Attempts that do not count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default is no rewrite of the table; new rows name their value.
    op.add_column("jobs", sa.Column("excused", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("jobs", "excused", server_default=None)


def downgrade() -> None:
    op.drop_column("jobs", "excused")
