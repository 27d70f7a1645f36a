"""Numbered events, throttled endpoints, and key pairs of endpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("throttled_until", _MOMENT, nullable=True))
    op.add_column("endpoints", sa.Column("signing_key", sa.Text(), nullable=True))
    op.add_column("endpoints", sa.Column("previous_signing_key", sa.Text(), nullable=True))
    op.add_column(
        "endpoints",
        sa.Column("sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("deliveries", sa.Column("leased_until", _MOMENT, nullable=True))
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["endpoint_id", "next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_pending", table_name="deliveries")
    op.drop_column("deliveries", "leased_until")
    for name in ("sequence", "previous_signing_key", "signing_key", "throttled_until"):
        op.drop_column("endpoints", name)
