"""Where the parts of the service leave their signs of life."""

from __future__ import annotations

from alembic import op

from app.storage.tenancy import DatabaseRole

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_PULSES = f"""
CREATE TABLE pulses (part text CONSTRAINT pk_pulses PRIMARY KEY, left_at timestamptz NOT NULL);
GRANT SELECT, INSERT, UPDATE ON pulses TO {DatabaseRole.WEB}, {DatabaseRole.WORKER};
"""


def upgrade() -> None:
    op.execute(_PULSES)


def downgrade() -> None:
    op.execute("DROP TABLE pulses")
