"""Where the parts of the service leave their signs of life."""

from __future__ import annotations

from alembic import op

from app.storage.database.row_security import protect

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_PULSES = """
CREATE TABLE pulses (part text CONSTRAINT pk_pulses PRIMARY KEY, left_at timestamptz NOT NULL)
"""


def upgrade() -> None:
    op.execute(_PULSES)
    op.execute(protect("pulses", "true"))  # they are nobody's, and tell nothing of anybody


def downgrade() -> None:
    op.execute("DROP TABLE pulses")
