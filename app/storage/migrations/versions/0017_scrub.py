"""When the bytes of what was erased are gone; no samples of names and vectors in statistics."""

from __future__ import annotations

from alembic import op

from app.storage.statistics import forget_samples, keep_no_samples, keep_samples

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE erasures ADD COLUMN gone_at timestamptz")
    for statement in keep_no_samples():
        op.execute(statement)
    op.execute(forget_samples())
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_erasures_pending")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_erasures_pending ON erasures (at)"
            " WHERE gone_at IS NULL OR gone_at = 'infinity'"
        )


def downgrade() -> None:
    op.execute("DROP INDEX ix_erasures_pending")
    op.execute("ALTER TABLE erasures DROP COLUMN gone_at")
    for statement in keep_samples():
        op.execute(statement)
