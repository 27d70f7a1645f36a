"""A second vector of each face, so that a collection can change its model while it is searched."""

from __future__ import annotations

from alembic import op

from app.storage.database.row_security import of_parent, protect
from app.storage.upkeep.patient_ddl import build_index, insist, without_limits

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

#: Nullable and without defaults: no table is written anew. Each is committed by itself, so that no
#: lock is kept for the next one.
_COLUMNS = (
    "ALTER TABLE collections ADD COLUMN IF NOT EXISTS second_model text",
    """
    ALTER TABLE faces
        ADD COLUMN IF NOT EXISTS second_model text,
        ADD COLUMN IF NOT EXISTS second_embedding vector
    """,
    "ALTER TABLE readings ADD COLUMN IF NOT EXISTS model text",
    """
    UPDATE readings SET model = collections.model FROM collections
    WHERE collection_id = collections.id AND readings.model IS NULL
    """,
)

_TABLE = """
CREATE TABLE IF NOT EXISTS reembeddings (
    id uuid CONSTRAINT pk_reembeddings PRIMARY KEY,
    collection_id uuid NOT NULL
        CONSTRAINT fk_reembeddings_collection_id REFERENCES collections (id) ON DELETE CASCADE,
    job_id uuid NOT NULL CONSTRAINT uq_reembeddings_job_id UNIQUE,
    model text NOT NULL,
    former_model text NOT NULL,
    state text NOT NULL,
    activate boolean NOT NULL,
    drop_faces_without_photograph boolean NOT NULL,
    other_similarity_threshold double precision,
    other_possible_threshold double precision,
    cursor uuid,
    report json,
    created_at timestamptz NOT NULL,
    activated_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_reembeddings_open ON reembeddings (collection_id)
    WHERE state NOT IN ('finished', 'cancelled');
CREATE INDEX IF NOT EXISTS ix_reembeddings_collection_id
    ON reembeddings (collection_id, created_at);
"""

_MEAN = "l2_normalize(avg(embedding)) FROM faces WHERE subject_id = subjects.id"

#: Of the vectors that the collection is searched by: those of two models have no mean.
_MEAN_OF_MODEL = """
    l2_normalize(avg(CASE collections.model
        WHEN faces.model THEN embedding
        WHEN faces.second_model THEN second_embedding
    END))
    FROM faces JOIN collections ON collections.id = faces.collection_id
    WHERE subject_id = subjects.id
"""

_CHANGED = "SELECT subject_id FROM new_faces UNION SELECT subject_id FROM old_faces"

#: A vector that is written beside the one in use moves no prototype, and locks no subject.
_CHANGED_IN_USE = """
    SELECT unnest(ARRAY[n.subject_id, o.subject_id]) AS subject_id
    FROM new_faces n JOIN old_faces o USING (id)
    WHERE (n.subject_id, n.model, n.embedding) IS DISTINCT FROM (o.subject_id, o.model, o.embedding)
"""


def _keep_prototypes(changed: str, mean: str) -> str:
    """Return the function of migration 2, with another reading of what counts."""
    return f"""
        CREATE OR REPLACE FUNCTION keep_prototypes() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            touched uuid[];
        BEGIN
            IF TG_OP = 'INSERT' THEN
                SELECT array_agg(DISTINCT subject_id) INTO touched FROM new_faces;
            ELSIF TG_OP = 'DELETE' THEN
                SELECT array_agg(DISTINCT subject_id) INTO touched FROM old_faces;
            ELSE
                SELECT array_agg(DISTINCT subject_id) INTO touched FROM ({changed}) AS changed;
            END IF;
            PERFORM 1 FROM subjects WHERE id = ANY(touched) ORDER BY id FOR NO KEY UPDATE;
            UPDATE subjects SET prototype = (SELECT {mean}) WHERE id = ANY(touched);
            RETURN NULL;
        END
        $$
    """  # noqa: S608 - our own text


def upgrade() -> None:
    with op.get_context().autocommit_block():
        with without_limits():
            build_index("ix_faces_listing", "faces (collection_id, id)")
        for statement in _COLUMNS:
            insist(statement)
        insist(_TABLE)
        insist(protect("reembeddings", of_parent("collection_id", "collections")))
        insist(_keep_prototypes(_CHANGED_IN_USE, _MEAN_OF_MODEL))


def downgrade() -> None:
    with op.get_context().autocommit_block():
        insist(_keep_prototypes(_CHANGED, _MEAN))
        insist("DROP TABLE IF EXISTS reembeddings")
        insist("ALTER TABLE readings DROP COLUMN IF EXISTS model")
        insist(
            "ALTER TABLE faces DROP COLUMN IF EXISTS second_model,"
            " DROP COLUMN IF EXISTS second_embedding"
        )
        insist("ALTER TABLE collections DROP COLUMN IF EXISTS second_model")
        with without_limits():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_faces_listing")
