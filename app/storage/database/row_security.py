"""What a table needs so that one tenant's transactions see its own rows alone."""

from __future__ import annotations

from app.storage.database.tenancy import DatabaseRole

#: For tables with a column of that name.
OWN_TENANT = "tenant_id = current_tenant()"


def of_parent(column: str, parent: str) -> str:
    """Return the condition for rows that are seen by those who see the parent's row."""
    return f"{column} IN (SELECT id FROM {parent})"  # noqa: S608 - names of our tables


def protect(table: str, condition: str) -> str:
    """Return the statements that admit both roles to a table, each within its bounds.

    They may be repeated. The table's owner is bound too; it sees what the workers see because it is
    a member of their role.
    """
    web, worker = DatabaseRole.WEB, DatabaseRole.WORKER
    return f"""
        GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {web}, {worker};
        DROP POLICY IF EXISTS own_tenant ON {table};
        CREATE POLICY own_tenant ON {table} TO {web} USING ({condition}) WITH CHECK ({condition});
        DROP POLICY IF EXISTS every_tenant ON {table};
        CREATE POLICY every_tenant ON {table} TO {worker} USING (true) WITH CHECK (true);
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    """


def expose(table: str) -> str:
    """Return the statements that undo those of :func:`protect`."""
    return f"""
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS own_tenant ON {table};
        DROP POLICY IF EXISTS every_tenant ON {table};
        REVOKE ALL ON {table} FROM {DatabaseRole.WEB}, {DatabaseRole.WORKER};
    """
