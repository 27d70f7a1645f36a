"""Consents and legal holds, each with a wall in the database; kept probes, shorter retention.

New columns of ``collections`` have constant defaults, so no row is rewritten; the other tables are
new, and what ``faces`` and ``subjects`` get are triggers alone. Each step is short, repeatable and
committed by itself, so that no lock waits for another one.
"""

from __future__ import annotations

from alembic import op

from app.storage.database.row_security import of_parent, protect
from app.storage.upkeep.patient_ddl import insist

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SETTINGS = """
ALTER TABLE collections
    ADD COLUMN IF NOT EXISTS require_consent boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS keep_probes boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS job_retention_h integer
"""

_CONSENTS = """
CREATE TABLE IF NOT EXISTS consents (
    id uuid CONSTRAINT pk_consents PRIMARY KEY,
    subject_id uuid NOT NULL CONSTRAINT fk_consents_subject_id
        REFERENCES subjects (id) ON DELETE CASCADE,
    purpose text NOT NULL,
    text_version text NOT NULL,
    reference text,
    given_at timestamptz NOT NULL,
    expires_at timestamptz,
    withdrawn_at timestamptz,
    settled_at timestamptz
);
CREATE INDEX IF NOT EXISTS ix_consents_subject_id ON consents (subject_id);
CREATE INDEX IF NOT EXISTS ix_consents_expires_at ON consents (expires_at)
    WHERE settled_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS ix_consents_withdrawn_at ON consents (withdrawn_at)
    WHERE settled_at IS NULL AND withdrawn_at IS NOT NULL;
"""

_HOLDS = """
CREATE TABLE IF NOT EXISTS legal_holds (
    id uuid CONSTRAINT pk_legal_holds PRIMARY KEY,
    collection_id uuid NOT NULL CONSTRAINT fk_legal_holds_collection_id
        REFERENCES collections (id) ON DELETE RESTRICT,
    subject_id uuid CONSTRAINT uq_legal_holds_subject_id UNIQUE
        CONSTRAINT fk_legal_holds_subject_id REFERENCES subjects (id) ON DELETE RESTRICT,
    reference text NOT NULL,
    placed_by uuid NOT NULL,
    placed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS uq_legal_holds_collection_id ON legal_holds (collection_id)
    WHERE subject_id IS NULL;
"""

#: No face without a valid consent where one is required, nor of anybody whose consents have ended.
#: Whoever enrols has compared more exactly, and under a lock; this is for ways that forgot to.
_REFUSE_WITHOUT_CONSENT = """
CREATE OR REPLACE FUNCTION lacks_consent(home uuid, person uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM consents WHERE subject_id = person AND withdrawn_at IS NULL
            AND (expires_at IS NULL OR expires_at > now())
    ) AND (
        EXISTS (SELECT FROM consents WHERE subject_id = person)
        OR EXISTS (SELECT FROM collections WHERE id = home AND require_consent)
    )
$$;
CREATE OR REPLACE FUNCTION refuse_without_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF lacks_consent(NEW.collection_id, NEW.subject_id) THEN
        RAISE check_violation USING MESSAGE = 'no valid consent', CONSTRAINT = 'consent';
    END IF;
    RETURN NULL;
END
$$;
"""

#: The foreign keys keep held collections and subjects; these keep their faces, and the subjects of
#: held collections. The lock is the one that a new hold takes alone: whatever it waited for is gone
#: before the hold is answered, and whatever waited for it finds the hold.
_REFUSE_HELD = """
CREATE OR REPLACE FUNCTION refuse_erasing_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held boolean;
BEGIN
    PERFORM FROM collections WHERE id IN (SELECT collection_id FROM gone) FOR KEY SHARE;
    IF TG_TABLE_NAME = 'faces' THEN
        SELECT EXISTS (
            SELECT FROM gone JOIN legal_holds h USING (collection_id)
            WHERE h.subject_id IS NULL OR h.subject_id = gone.subject_id
        ) INTO held;
    ELSE
        SELECT EXISTS (
            SELECT FROM gone JOIN legal_holds h USING (collection_id) WHERE h.subject_id IS NULL
        ) INTO held;
    END IF;
    IF held THEN
        RAISE restrict_violation USING MESSAGE = 'a legal hold', CONSTRAINT = 'legal_hold';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION refuse_moving_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM collections WHERE id = OLD.collection_id FOR KEY SHARE;
    IF EXISTS (
        SELECT FROM legal_holds h WHERE h.collection_id = OLD.collection_id
            AND (h.subject_id IS NULL OR h.subject_id = OLD.subject_id)
    ) THEN
        RAISE restrict_violation USING MESSAGE = 'a legal hold', CONSTRAINT = 'legal_hold';
    END IF;
    RETURN NULL;
END
$$;
"""

#: A restored backup must not take a withdrawn consent for a valid one.
_REMEMBER = """
CREATE OR REPLACE FUNCTION remember_withdrawal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    INSERT INTO erasures (kind, id) VALUES ('withdrawals', NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
"""

#: Each takes a short lock on its table, one after the other.
_TRIGGERS = """
refuse_without_consent_on_insert AFTER INSERT ON faces
    FOR EACH ROW EXECUTE FUNCTION refuse_without_consent();
refuse_without_consent_on_update AFTER UPDATE OF subject_id ON faces
    FOR EACH ROW WHEN (NEW.subject_id IS DISTINCT FROM OLD.subject_id)
    EXECUTE FUNCTION refuse_without_consent();
refuse_moving_held AFTER UPDATE OF subject_id ON faces
    FOR EACH ROW WHEN (NEW.subject_id IS DISTINCT FROM OLD.subject_id)
    EXECUTE FUNCTION refuse_moving_held();
refuse_erasing_held AFTER DELETE ON faces REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_erasing_held();
refuse_erasing_held AFTER DELETE ON subjects REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_erasing_held();
remember_withdrawal AFTER UPDATE OF withdrawn_at ON consents
    FOR EACH ROW WHEN (NEW.withdrawn_at IS NOT NULL) EXECUTE FUNCTION remember_withdrawal()
"""

_UNDO = """
DROP TRIGGER IF EXISTS refuse_moving_held ON faces;
DROP TRIGGER IF EXISTS refuse_erasing_held ON faces;
DROP TRIGGER IF EXISTS refuse_erasing_held ON subjects;
DROP TRIGGER IF EXISTS refuse_without_consent_on_insert ON faces;
DROP TRIGGER IF EXISTS refuse_without_consent_on_update ON faces;
DROP FUNCTION IF EXISTS refuse_moving_held;
DROP FUNCTION IF EXISTS refuse_erasing_held;
DROP FUNCTION IF EXISTS refuse_without_consent;
DROP FUNCTION IF EXISTS lacks_consent;
DROP TABLE IF EXISTS legal_holds;
DROP TABLE IF EXISTS consents;
DROP FUNCTION IF EXISTS remember_withdrawal;
ALTER TABLE collections
    DROP COLUMN IF EXISTS require_consent,
    DROP COLUMN IF EXISTS keep_probes,
    DROP COLUMN IF EXISTS job_retention_h
"""


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    with op.get_context().autocommit_block():
        insist(_SETTINGS)
        insist(_CONSENTS)
        # Consents are many: their own policy is asked about one subject at a time.
        insist(protect("consents", "EXISTS (SELECT FROM subjects WHERE subjects.id = subject_id)"))
        insist(_HOLDS)
        insist(protect("legal_holds", of_parent("collection_id", "collections")))
        for functions in (_REFUSE_WITHOUT_CONSENT, _REFUSE_HELD, _REMEMBER.format(schema=schema)):
            insist(functions)
        for trigger in _TRIGGERS.split(";"):
            insist(f"CREATE OR REPLACE TRIGGER {trigger}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for statement in _UNDO.split(";"):
            insist(statement)
