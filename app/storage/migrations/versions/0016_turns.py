"""The turn of a job among those of all tenants, what waits in all, and how long it has waited.

An interrupted run is simply repeated.
"""

from __future__ import annotations

from alembic import op

from app.domain.tenant import DEFAULT_TENANT_ID
from app.storage.database.tenancy import DatabaseRole
from app.storage.upkeep.patient_ddl import build_index, unhurried

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_jobs_turn": "lane, turn, id",
    "ix_jobs_tenant_turn": "tenant_id, lane, turn",
}


def _functions(schema: str) -> str:
    """Say what of other tenants' jobs a submit has to know: two numbers, and no row.

    In PL/pgSQL, which keeps its plans for the session; a function in SQL is planned at each call.
    A tenant's turn comes after that of its last job, and no sooner than that of whoever is next. Of
    jobs that are being stored at the same time, ``earliest`` and ``behind`` tell (see
    ``app.services.jobs.turns``).
    Jobs that were tried before, and those on no images, are run by their own messages and have no
    turn. A change of model goes through what is stored already, and waits for nobody: it takes no
    room from those that wait.
    """
    on_images = "type NOT IN ('training', 'reembedding')"
    fresh = f"state = 'queued' AND attempt = 0 AND {on_images} AND lane = of_lane"
    own = f"tenant_id = coalesce(current_tenant(), '{DEFAULT_TENANT_ID}')"
    common = f"LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp"
    return f"""
        CREATE OR REPLACE FUNCTION next_turn(of_lane integer, earliest bigint, behind bigint)
        RETURNS bigint {common} AS $$
        BEGIN
            RETURN greatest(
                behind + coalesce(
                    (SELECT turn FROM jobs WHERE {fresh} ORDER BY turn LIMIT 1), 0
                ),
                (SELECT turn + total FROM jobs WHERE {fresh} AND {own} ORDER BY turn DESC LIMIT 1),
                earliest
            );
        END
        $$;
        CREATE OR REPLACE FUNCTION waiting_in_all(
            of_lane integer, OUT images bigint, OUT oldest timestamptz
        ) {common} AS $$
        BEGIN
            SELECT coalesce(sum(greatest(total, 1)), 0), min(created_at) INTO images, oldest
                FROM jobs
                WHERE state = 'queued' AND lane = of_lane AND type <> 'reembedding';
        END
        $$;
        REVOKE ALL ON FUNCTION next_turn, waiting_in_all FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION next_turn, waiting_in_all
            TO {DatabaseRole.WEB}, {DatabaseRole.WORKER};
    """  # noqa: S608 - names and an id of ours


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    # The constant default is no rewrite of the table. What waits already, and what code of the
    # version before submits meanwhile, has the first turn.
    op.execute(
        "ALTER TABLE jobs ADD COLUMN IF NOT EXISTS turn bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN IF NOT EXISTS requeued_at timestamptz"
    )
    op.get_bind().exec_driver_sql(_functions(str(schema)))
    with unhurried():
        for name, columns in _INDEXES.items():
            build_index(name, f"jobs ({columns}) WHERE state = 'queued'")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_jobs_lane")


def downgrade() -> None:
    with unhurried():
        build_index("ix_jobs_lane", "jobs (lane, created_at) WHERE state = 'queued'")
        for name in _INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute("DROP FUNCTION next_turn, waiting_in_all")
    op.execute("ALTER TABLE jobs DROP COLUMN turn, DROP COLUMN requeued_at")
