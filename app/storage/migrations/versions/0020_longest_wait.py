"""Tell how long jobs wait, also to whoever sees none of them."""

from __future__ import annotations

from alembic import op

from app.storage.database.tenancy import DatabaseRole

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def _function(schema: str) -> str:
    """Answer for all tenants with one number; the index on queued jobs by age finds it.

    Jobs that were tried before are old without having waited, and so is a change of model that its
    owner has paused.
    """
    return f"""
        CREATE FUNCTION longest_wait_s() RETURNS float8
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
            SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM jobs
            WHERE state = 'queued' AND attempt = 0 AND type <> 'reembedding'
            ORDER BY created_at LIMIT 1
        $$;
        REVOKE ALL ON FUNCTION longest_wait_s() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION longest_wait_s() TO {DatabaseRole.WEB}, {DatabaseRole.WORKER};
    """  # noqa: S608 - the name of our schema


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    op.get_bind().exec_driver_sql(_function(str(schema)))


def downgrade() -> None:
    op.execute("DROP FUNCTION longest_wait_s")
