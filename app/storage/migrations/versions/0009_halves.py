"""Indexes over vectors in half precision; long vectors beside their rows."""

from __future__ import annotations

from alembic import op

from app.storage.upkeep.patient_ddl import build_index, unhurried

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
    # A graph over a million faces takes longer than a migration may otherwise.
    with unhurried():
        for dimension in _DIMENSIONS:
            build_index(f"ix_faces_halves_{dimension}", _graph("halfvec", dimension))
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_faces_embedding_{dimension}")
        build_index("ix_subjects_enrolled", "subjects (collection_id) WHERE prototype IS NOT NULL")


def downgrade() -> None:
    with unhurried():
        for dimension in _DIMENSIONS:
            build_index(f"ix_faces_embedding_{dimension}", _graph("vector", dimension))
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_faces_halves_{dimension}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_subjects_enrolled")
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")


def _graph(kind: str, dimension: int) -> str:
    return (
        f"faces USING hnsw (CAST(embedding AS {kind}({dimension})) {kind}_cosine_ops)"
        f" WITH (ef_construction = 200) WHERE vector_dims(embedding) = {dimension}"
    )
