"""When the bytes of what was erased are gone; photographs under keys; no samples of names.

Each statement may be repeated, as after an index that could not be built.
"""

from __future__ import annotations

from alembic import op

from app.storage.database.row_security import OWN_TENANT, protect
from app.storage.erasure.planner_samples import forget_samples, keep_no_samples, keep_samples

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KEYS = """
CREATE TABLE IF NOT EXISTS image_keys (
    image_id uuid NOT NULL,
    key bytea NOT NULL,
    tenant_id uuid NOT NULL,
    CONSTRAINT pk_image_keys PRIMARY KEY (image_id),
    CONSTRAINT fk_image_keys_image_id
        FOREIGN KEY (image_id) REFERENCES images (id) ON DELETE CASCADE
);
ALTER TABLE images ADD COLUMN IF NOT EXISTS sealed boolean NOT NULL DEFAULT false;
"""

#: Under the default of the other tables that have no reference to their tenant.
_TENANT = """
DO $$
BEGIN
    EXECUTE 'ALTER TABLE image_keys ALTER COLUMN tenant_id SET DEFAULT ' || (
        SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute a
            ON a.attrelid = adrelid AND a.attnum = adnum
        WHERE adrelid = 'images'::regclass AND attname = 'tenant_id'
    );
END
$$
"""


#: Photographs that went before left bytes as well.
_NOTE_UNSEALED = """
INSERT INTO erasures (kind, id) SELECT 'images', gen_random_uuid()
WHERE EXISTS (SELECT FROM images) OR EXISTS (SELECT FROM erasures)
"""


def _remember(schema: str) -> str:
    """Note photographs that go without a key to lose: a scrub has to write their table anew."""
    return f"""
        CREATE OR REPLACE FUNCTION remember_unsealed() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
        BEGIN
            INSERT INTO erasures (kind, id) VALUES ('images', OLD.id) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$;
        CREATE OR REPLACE TRIGGER remember_unsealed AFTER DELETE ON images
            FOR EACH ROW WHEN (NOT OLD.sealed) EXECUTE FUNCTION remember_unsealed();
    """  # noqa: S608 - the name of our schema


def upgrade() -> None:
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    op.execute("ALTER TABLE erasures ADD COLUMN IF NOT EXISTS gone_at timestamptz")
    op.execute(_KEYS)
    op.execute(_TENANT)
    op.execute(protect("image_keys", OWN_TENANT))
    op.get_bind().exec_driver_sql(_remember(str(schema)))
    op.execute(_NOTE_UNSEALED)
    for statement in keep_no_samples():
        op.execute(statement)
    op.execute(forget_samples())
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_erasures_pending")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_erasures_pending ON erasures (at)"
            " WHERE gone_at IS NULL OR gone_at = 'infinity'"
        )


def downgrade() -> None:
    """Go back; photographs that are sealed cannot be read afterwards, and go."""
    for statement in keep_samples():
        op.execute(statement)
    op.execute("DROP INDEX ix_erasures_pending")
    op.execute("DELETE FROM images WHERE sealed")
    op.execute("DROP TRIGGER remember_unsealed ON images")
    op.execute("DROP FUNCTION remember_unsealed")
    op.execute("DROP TABLE image_keys")
    op.execute("ALTER TABLE images DROP COLUMN sealed")
    op.execute("ALTER TABLE erasures DROP COLUMN gone_at")
