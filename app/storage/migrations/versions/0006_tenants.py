"""Tenants, two roles that own nothing, and policies on every table; two secrets of one key.

Each step is short, repeatable and committed by itself, so that no lock waits for another one: an
interrupted run is simply repeated. Code of the version before goes on working at every point, since
rows that name no tenant are the first one's.
"""

from __future__ import annotations

from alembic import op

from app.domain.tenant import DEFAULT_TENANT, DEFAULT_TENANT_ID
from app.storage.database.row_security import OWN_TENANT, expose, of_parent, protect
from app.storage.database.tenancy import DatabaseRole
from app.storage.upkeep.patient_ddl import build_index, insist, without_limits

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WEB, _WORKER = DatabaseRole.WEB, DatabaseRole.WORKER

#: Roles belong to the server: another database of it may have made them already.
_ROLES = f"""
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['{_WEB}', '{_WORKER}'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE 'CREATE ROLE ' || quote_ident(wanted) || ' NOLOGIN';
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE insufficient_privilege USING MESSAGE =
                    'make the roles {_WEB} and {_WORKER} and grant both to ' || current_user;
        END;
        IF NOT pg_has_role(wanted, 'USAGE') THEN
            EXECUTE 'GRANT ' || quote_ident(wanted) || ' TO CURRENT_USER';
        END IF;
    END LOOP;
END
$$
"""

_TENANTS = f"""
CREATE TABLE IF NOT EXISTS tenants (
    id uuid CONSTRAINT pk_tenants PRIMARY KEY,
    name text NOT NULL CONSTRAINT uq_tenants_name UNIQUE,
    created_at timestamptz NOT NULL
);
INSERT INTO tenants VALUES ('{DEFAULT_TENANT_ID}', '{DEFAULT_TENANT}', now())
    ON CONFLICT DO NOTHING;
CREATE OR REPLACE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('vultus.tenant', true), '')::uuid;
GRANT SELECT ON alembic_version TO {_WEB}, {_WORKER};
"""  # noqa: S608 - constants

#: Whether the column refers to the tenants, so that a tenant's rows go with it. Those of the others
#: are many, and every insert would lock the tenant's row.
_OWNED = {
    "collections": True,
    "api_keys": True,
    "applications": True,
    "services": True,
    "endpoints": True,
    "jobs": False,
    "images": False,
    "idempotency_keys": False,
}

_WITHIN = {
    "subjects": of_parent("collection_id", "collections"),
    "faces": of_parent("collection_id", "collections"),
    "readings": of_parent("collection_id", "collections"),
    "trainings": of_parent("collection_id", "collections"),
    "deliveries": of_parent("endpoint_id", "endpoints"),
    # Deliveries are many: their own policy is asked about one at a time.
    "attempts": "EXISTS (SELECT FROM deliveries WHERE deliveries.id = delivery_id)",
}

#: Names were unique in the whole service.
_NAMED = ("collections", "applications")

_SECRETS = """
ALTER TABLE api_keys
    ADD COLUMN IF NOT EXISTS previous_secret_hash bytea,
    ADD COLUMN IF NOT EXISTS previous_secret_until timestamptz
"""

#: A key is looked up before its tenant is known. The functions act as the tables' owner, and answer
#: only whoever has the one value that he asks for.
_FINDERS = {
    "find_api_key": ("text", "api_keys", "public_id"),
    "find_service": ("bytea", "services", "key_hash"),
}


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    with op.get_context().autocommit_block():
        insist(_ROLES)
        insist(f"GRANT USAGE ON SCHEMA {schema} TO {_WEB}, {_WORKER}")
        insist(_TENANTS)
        for table, refers in _OWNED.items():
            insist(_tenant_column(table))
            if refers:
                insist(_reference(table))
                insist(f"ALTER TABLE {table} VALIDATE CONSTRAINT fk_{table}_tenant_id")
        for table in _NAMED:
            insist(_names(table, old="name", new="tenant_id, name"))
        _index_listing("tenant_id, created_at, id")
        insist(_SECRETS)
        for name, (kind, table, column) in _FINDERS.items():
            insist(_finder(name, kind, f"{schema}.{table}", column))
        for table in _OWNED:
            insist(protect(table, OWN_TENANT))
        for table, condition in _WITHIN.items():
            insist(protect(table, condition))
        insist(protect("tenants", "id = current_tenant()"))
        insist(f"REVOKE INSERT, UPDATE, DELETE ON tenants FROM {_WEB}")


def downgrade() -> None:
    """Go back; collections of two tenants under one name have to be renamed before."""
    with op.get_context().autocommit_block():
        for table in (*_OWNED, *_WITHIN, "tenants"):
            insist(expose(table))
        for name, (kind, _, _) in _FINDERS.items():
            insist(f"DROP FUNCTION IF EXISTS {name}({kind})")
        for column in ("previous_secret_hash", "previous_secret_until"):
            insist(f"ALTER TABLE api_keys DROP COLUMN IF EXISTS {column}")
        _index_listing("created_at, id")
        for table in _NAMED:
            insist(_names(table, old="tenant_id_name", new="name"))
        for table in _OWNED:
            insist(f"ALTER TABLE {table} DROP COLUMN IF EXISTS tenant_id")
        insist("DROP TABLE IF EXISTS tenants; DROP FUNCTION IF EXISTS current_tenant")
        insist(f"REVOKE ALL ON alembic_version FROM {_WEB}, {_WORKER}")


def _tenant_column(table: str) -> str:
    """Add the column with a constant default, which rewrites no row, then give it the real one."""
    return f"""
        ALTER TABLE {table}
            ADD COLUMN IF NOT EXISTS tenant_id uuid NOT NULL DEFAULT '{DEFAULT_TENANT_ID}';
        ALTER TABLE {table} ALTER COLUMN tenant_id
            SET DEFAULT coalesce(current_tenant(), '{DEFAULT_TENANT_ID}');
    """


def _reference(table: str) -> str:
    """Refer to the tenants; the rows that are there are looked at afterwards, without a lock."""
    return f"""
        ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_tenant_id;
        ALTER TABLE {table} ADD CONSTRAINT fk_{table}_tenant_id
            FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE NOT VALID;
    """


def _names(table: str, *, old: str, new: str) -> str:
    columns = new.replace(", ", "_")
    return f"""
        ALTER TABLE {table} DROP CONSTRAINT IF EXISTS uq_{table}_{old};
        ALTER TABLE {table} DROP CONSTRAINT IF EXISTS uq_{table}_{columns};
        ALTER TABLE {table} ADD CONSTRAINT uq_{table}_{columns} UNIQUE ({new});
    """


def _index_listing(columns: str) -> None:
    with without_limits():
        build_index("ix_jobs_listing_new", f"jobs ({columns})")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_jobs_listing")
    insist("ALTER INDEX ix_jobs_listing_new RENAME TO ix_jobs_listing")


def _finder(name: str, kind: str, table: str, column: str) -> str:
    return f"""
        CREATE OR REPLACE FUNCTION {name}(wanted {kind}) RETURNS SETOF {table}
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
            AS $$ SELECT * FROM {table} WHERE {column} = wanted $$;
        REVOKE ALL ON FUNCTION {name}({kind}) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION {name}({kind}) TO {_WEB}, {_WORKER};
    """  # noqa: S608 - names of ours
