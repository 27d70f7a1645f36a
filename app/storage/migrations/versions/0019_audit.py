"""The audit trail: rows that are sealed once, and never change before or after."""

from __future__ import annotations

from alembic import op

from app.domain.tenant import DEFAULT_TENANT_ID
from app.storage.database.row_security import OWN_TENANT, protect
from app.storage.database.tenancy import DatabaseRole

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_WEB, _WORKER = DatabaseRole.WEB, DatabaseRole.WORKER

#: No foreign key: records outlive tenants, keys and whatever else they tell of.
_TABLES = f"""
CREATE TABLE audit_records (
    id uuid CONSTRAINT pk_audit_records PRIMARY KEY,
    sequence bigint,
    mac bytea,
    at timestamptz NOT NULL DEFAULT now(),
    tenant_id uuid NOT NULL DEFAULT coalesce(current_tenant(), '{DEFAULT_TENANT_ID}'),
    actor_kind text NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    verdict text NOT NULL,
    target_kind text NOT NULL,
    target_id uuid,
    request_id text,
    details json NOT NULL
);
CREATE INDEX ix_audit_records_listing ON audit_records (tenant_id, id);
CREATE INDEX ix_audit_records_unsealed ON audit_records (id) WHERE sequence IS NULL;
CREATE UNIQUE INDEX ix_audit_records_sequence ON audit_records (sequence)
    WHERE sequence IS NOT NULL;
CREATE TABLE audit_heads (
    id smallint CONSTRAINT pk_audit_heads PRIMARY KEY CONSTRAINT ck_audit_heads_one CHECK (id = 1),
    sequence bigint NOT NULL,
    mac bytea NOT NULL,
    pruned_sequence bigint NOT NULL,
    pruned_mac bytea NOT NULL,
    seal bytea NOT NULL
);
"""

#: They bind the tables' owner too; a superuser who goes around them is for the chain to notice.
#: What may be deleted is what the sealed head says is gone, and nothing of the last month.
_TRIGGERS = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'the audit trail is only ever added to';
END
$$;
CREATE TRIGGER keep_sealed BEFORE UPDATE ON audit_records FOR EACH ROW
    WHEN (OLD.sequence IS NOT NULL OR NEW.sequence IS NULL OR NEW.mac IS NULL
        OR to_jsonb(OLD) - 'sequence' - 'mac' <> to_jsonb(NEW) - 'sequence' - 'mac')
    EXECUTE FUNCTION refuse_audit_change();
CREATE FUNCTION keep_audit_record() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF OLD.at < now() - interval '30 days'
        AND OLD.sequence <= (SELECT pruned_sequence FROM audit_heads)
    THEN
        RETURN OLD;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'the audit trail is only ever added to';
END
$$;
CREATE TRIGGER keep_recent BEFORE DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION keep_audit_record();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER keep_head BEFORE DELETE OR TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
"""

_GRANTS = f"""
REVOKE ALL ON audit_records, audit_heads FROM {_WEB}, {_WORKER};
GRANT SELECT, INSERT ON audit_records TO {_WEB}, {_WORKER};
GRANT UPDATE (sequence, mac), DELETE ON audit_records TO {_WORKER};
GRANT SELECT ON audit_heads TO {_WEB};
GRANT SELECT, INSERT, UPDATE ON audit_heads TO {_WORKER};
"""


def upgrade() -> None:
    connection = op.get_bind()
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    connection.exec_driver_sql(_TABLES)
    connection.exec_driver_sql(_TRIGGERS.format(schema=schema))
    op.execute(protect("audit_records", OWN_TENANT))
    op.execute(protect("audit_heads", "false"))
    op.execute(_GRANTS)


def downgrade() -> None:
    op.execute("DROP TABLE audit_records, audit_heads")
    op.execute("DROP FUNCTION refuse_audit_change, keep_audit_record")
