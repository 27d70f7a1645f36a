"""No training outlives the faces of anybody whom it knows."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: Deleting the last face of a subject, however it comes about, takes away its prototype.
_FORGET = """
CREATE FUNCTION forget_trainings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM trainings
    WHERE collection_id = OLD.collection_id AND OLD.id = ANY(subject_ids);
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_trainings_on_delete AFTER DELETE ON subjects
    FOR EACH ROW EXECUTE FUNCTION forget_trainings();
CREATE TRIGGER forget_trainings_on_update AFTER UPDATE OF prototype ON subjects
    FOR EACH ROW WHEN (OLD.prototype IS NOT NULL AND NEW.prototype IS NULL)
    EXECUTE FUNCTION forget_trainings();
"""


def upgrade() -> None:
    # What was trained before knows no strangers; prototypes serve until the next training.
    op.execute("DELETE FROM trainings")
    op.execute(_FORGET)


def downgrade() -> None:
    op.execute("DELETE FROM trainings")
    for event in ("delete", "update"):
        op.execute(f"DROP TRIGGER forget_trainings_on_{event} ON subjects")
    op.execute("DROP FUNCTION forget_trainings")
