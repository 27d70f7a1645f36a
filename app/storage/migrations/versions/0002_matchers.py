"""Matchers by collection: prototypes kept by the database, readings, rejections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import Vector

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: However faces come and go, a subject's prototype is the mean of those it has. The rows are locked
#: first, and by another statement than the one that reads: what was committed meanwhile counts.
_PROTOTYPES = """
CREATE FUNCTION keep_prototypes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT subject_id) INTO touched FROM new_faces;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT subject_id) INTO touched FROM old_faces;
    ELSE
        SELECT array_agg(DISTINCT subject_id) INTO touched
        FROM (SELECT subject_id FROM new_faces UNION SELECT subject_id FROM old_faces) AS changed;
    END IF;
    PERFORM 1 FROM subjects WHERE id = ANY(touched) ORDER BY id FOR NO KEY UPDATE;
    UPDATE subjects
    SET prototype = (
        SELECT l2_normalize(avg(embedding)) FROM faces WHERE subject_id = subjects.id
    )
    WHERE id = ANY(touched);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_prototypes_on_insert AFTER INSERT ON faces
    REFERENCING NEW TABLE AS new_faces FOR EACH STATEMENT EXECUTE FUNCTION keep_prototypes();
CREATE TRIGGER keep_prototypes_on_delete AFTER DELETE ON faces
    REFERENCING OLD TABLE AS old_faces FOR EACH STATEMENT EXECUTE FUNCTION keep_prototypes();
CREATE TRIGGER keep_prototypes_on_update AFTER UPDATE ON faces
    REFERENCING OLD TABLE AS old_faces NEW TABLE AS new_faces
    FOR EACH STATEMENT EXECUTE FUNCTION keep_prototypes();
"""


def upgrade() -> None:
    op.add_column(
        "collections", sa.Column("matcher", sa.Text(), nullable=False, server_default="auto")
    )
    op.add_column(
        "collections", sa.Column("target_fpir", sa.Float(), nullable=False, server_default="0.01")
    )
    op.alter_column("collections", "matcher", server_default=None)
    op.alter_column("collections", "target_fpir", server_default=None)
    op.add_column("subjects", sa.Column("prototype", Vector(), nullable=True))
    op.execute(
        "UPDATE subjects SET prototype = "
        "(SELECT l2_normalize(avg(embedding)) FROM faces WHERE subject_id = subjects.id)"
    )
    op.add_column("faces", sa.Column("rejected_subject_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_faces_rejected_subject_id"),
        "faces",
        "subjects",
        ["rejected_subject_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "ix_faces_rejected_subject_id",
        "faces",
        ["rejected_subject_id"],
        postgresql_where=sa.text("rejected_subject_id IS NOT NULL"),
    )
    op.create_table(
        "readings",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("tail_start", sa.Float(), nullable=False),
        sa.Column("tail_mean", sa.Float(), nullable=False),
        sa.Column("slope", sa.Float(), nullable=False),
        sa.Column("intercept", sa.Float(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_readings_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_readings")),
    )
    op.execute(_PROTOTYPES)


def downgrade() -> None:
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER keep_prototypes_on_{event} ON faces")
    op.execute("DROP FUNCTION keep_prototypes")
    op.drop_table("readings")
    op.drop_column("faces", "rejected_subject_id")
    op.drop_column("subjects", "prototype")
    op.drop_column("collections", "target_fpir")
    op.drop_column("collections", "matcher")
