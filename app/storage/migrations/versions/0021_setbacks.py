"""What background loops have set aside, and its number for processes that may not read it."""

from __future__ import annotations

from alembic import op

from app.storage.database.row_security import protect
from app.storage.database.tenancy import DatabaseRole

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE setbacks (
    chore text NOT NULL,
    item uuid NOT NULL,
    fault text NOT NULL,
    failures integer NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    retry_at timestamptz NOT NULL,
    CONSTRAINT pk_setbacks PRIMARY KEY (chore, item)
)
"""


def _count(schema: str) -> str:
    """Answer for all tenants with numbers: the ids are of things of theirs."""
    return f"""
        CREATE FUNCTION count_setbacks() RETURNS TABLE (chore text, things bigint)
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
            SELECT s.chore, count(*) FROM setbacks s GROUP BY s.chore
        $$;
        REVOKE ALL ON FUNCTION count_setbacks() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION count_setbacks() TO {DatabaseRole.WEB}, {DatabaseRole.WORKER};
    """  # noqa: S608 - the name of our schema


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    op.execute(_TABLE)
    op.execute(protect("setbacks", "false"))
    op.get_bind().exec_driver_sql(_count(str(schema)))


def downgrade() -> None:
    op.execute("DROP FUNCTION count_setbacks")
    op.execute("DROP TABLE setbacks")
