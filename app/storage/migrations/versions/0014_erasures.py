"""What was erased, by id, so that a restored backup can forget it again."""

from __future__ import annotations

from alembic import op

from app.storage.database.row_security import protect
from app.storage.upkeep.patient_ddl import insist

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

_ERASABLE = ("tenants", "collections", "subjects", "faces", "jobs", "applications", "services")

_TABLE = """
CREATE TABLE erasures (
    kind text NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_erasures PRIMARY KEY (kind, id)
)
"""


def _function(schema: str) -> str:
    """Remember what a statement deleted, whoever ran it; jobs past their time need no memory.

    A face also names the job that enrolled it: a backup may hold that job before its end, and would
    enrol the face anew.
    """
    return f"""
        CREATE FUNCTION remember_erasure() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
        BEGIN
            IF TG_TABLE_NAME = 'jobs' THEN
                INSERT INTO erasures (kind, id) SELECT 'jobs', id FROM gone
                    WHERE expires_at IS NULL OR expires_at > now() ON CONFLICT DO NOTHING;
                RETURN NULL;
            END IF;
            INSERT INTO erasures (kind, id) SELECT TG_TABLE_NAME, id FROM gone
                ON CONFLICT DO NOTHING;
            IF TG_TABLE_NAME = 'faces' THEN
                INSERT INTO erasures (kind, id) SELECT DISTINCT 'enrolments', job_id FROM gone
                    ON CONFLICT DO NOTHING;
            END IF;
            RETURN NULL;
        END
        $$
    """  # noqa: S608 - the name of our schema


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    op.execute(_TABLE)
    op.execute(protect("erasures", "false"))
    op.get_bind().exec_driver_sql(_function(str(schema)))
    for table in _ERASABLE:
        op.execute(
            f"CREATE TRIGGER remember_erasure AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone"
            " FOR EACH STATEMENT EXECUTE FUNCTION remember_erasure()"
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for table in _ERASABLE:
            insist(f"DROP TRIGGER IF EXISTS remember_erasure ON {table}")
    op.execute("DROP FUNCTION remember_erasure")
    op.execute("DROP TABLE erasures")
