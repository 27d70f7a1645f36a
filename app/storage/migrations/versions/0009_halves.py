"""Indexes over vectors in half precision; long vectors beside their rows."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_DIMENSIONS = (128, 512)

#: Postgres moves what is longer than 2 kB out of its row, and a search that compares every vector
#: fetched each of 512 values from elsewhere, 2.7 times as slow. Older rows stay so.
_TABLES = ("faces", "subjects")


def upgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 8160)")
    with op.get_context().autocommit_block():
        # A graph over a million faces takes longer than a migration may otherwise, and so may the
        # statements that must end before it counts; nobody waits for it meanwhile.
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        for dimension in _DIMENSIONS:
            # What an interrupted run has left is not valid, and would be taken for done.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_faces_halves_{dimension}")
            op.execute(
                f"CREATE INDEX CONCURRENTLY ix_faces_halves_{dimension} ON faces"
                f" USING hnsw (CAST(embedding AS halfvec({dimension})) halfvec_cosine_ops)"
                f" WITH (ef_construction = 200) WHERE vector_dims(embedding) = {dimension}"
            )
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_faces_embedding_{dimension}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_subjects_enrolled")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_subjects_enrolled ON subjects (collection_id)"
            " WHERE prototype IS NOT NULL"
        )
        op.execute("SET statement_timeout = '10min'")
        op.execute("SET lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        for dimension in _DIMENSIONS:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_faces_embedding_{dimension}")
            op.execute(
                f"CREATE INDEX CONCURRENTLY ix_faces_embedding_{dimension} ON faces"
                f" USING hnsw (CAST(embedding AS vector({dimension})) vector_cosine_ops)"
                f" WITH (ef_construction = 200) WHERE vector_dims(embedding) = {dimension}"
            )
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_faces_halves_{dimension}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_subjects_enrolled")
        op.execute("SET statement_timeout = '10min'")
        op.execute("SET lock_timeout = '4s'")
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")
