"""Attempts that do not count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The constant default is no rewrite of the table, and lets code of the version before go on.
    op.add_column("jobs", sa.Column("excused", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("jobs", "excused")
