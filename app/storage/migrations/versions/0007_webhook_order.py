"""Numbered events, throttled endpoints, and key pairs of endpoints."""

from __future__ import annotations

from alembic import op

from app.storage.upkeep.patient_ddl import build_index, unhurried

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = {
    "throttled_until": "timestamptz",
    "signing_key": "text",
    "previous_signing_key": "text",
    "sequence": "bigint NOT NULL DEFAULT 0",
}


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.execute(f"ALTER TABLE endpoints ADD COLUMN IF NOT EXISTS {name} {kind}")
    op.execute("ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS leased_until timestamptz")
    with unhurried():
        build_index(
            "ix_deliveries_pending",
            "deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending'",
        )


def downgrade() -> None:
    op.drop_index("ix_deliveries_pending", table_name="deliveries")
    op.drop_column("deliveries", "leased_until")
    for name in _COLUMNS:
        op.drop_column("endpoints", name)
