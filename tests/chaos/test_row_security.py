"""T17: Postgres shows the web process the rows of its transaction's tenant, and no others."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from itertools import cycle
from uuid import uuid4

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from app.storage.database.engine import build_engine
from app.storage.database.tenancy import DatabaseRole
from app.storage.tables import Base, CollectionRow, LegalHoldRow, TenantOwned
from app.storage.unit_of_work import SqlUnitOfWork


def test_every_table_is_behind_the_wall(world, finding):
    """A new table needs a policy: see app/storage/database/row_security.py."""
    tables = [table.name for table in Base.metadata.sorted_tables]
    acme, zenith, _ = world.households
    with world.owner.uow() as work:
        flags = {
            row.relname: row.relrowsecurity and row.relforcerowsecurity
            for row in work._session.execute(
                text("SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class")
            )
        }
        roles = work._session.execute(
            text(
                "SELECT rolname, rolsuper OR rolbypassrls AS mighty, (SELECT count(*) FROM pg_class"
                " WHERE relowner = pg_roles.oid) AS owned FROM pg_roles WHERE rolname = ANY(:names)"
            ),
            {"names": list(DatabaseRole)},
        ).all()
        naive = sum(_count(work, table) > 0 for table in tables)
    with world.web.uow() as work:
        seen = {table: _count(work, table) for table in tables}
    refused = 0
    for statement in (
        CollectionRow.__table__.insert().values(
            id=uuid4(),
            tenant_id=zenith.tenant_id,
            name="planted",
            model="m",
            matcher="auto",
            target_fpir=0.01,
            quality_gate="off",
            keep_images=True,
            created_at=world.web.clock.now(),
        ),
        update(CollectionRow).values(tenant_id=zenith.tenant_id),
        text("ALTER TABLE collections DISABLE ROW LEVEL SECURITY"),
        text("TRUNCATE jobs CASCADE"),
        text("INSERT INTO tenants VALUES (:id, 'x', now())"),
    ):
        with world.web.uow(acme.tenant_id) as work, pytest.raises(DBAPIError) as refusal:
            parameters = {"id": uuid4()} if ":id" in str(statement) else {}
            work._session.execute(statement, parameters)
        refused += isinstance(refusal.value.orig, InsufficientPrivilege)
    with world.web.uow(acme.tenant_id) as work:  # nothing of another's is there to be deleted
        work._session.execute(delete(LegalHoldRow))
        rows = work._session.execute(delete(CollectionRow).returning(CollectionRow.tenant_id))
        assert set(rows.scalars()) == {acme.tenant_id}
    walled = [table for table in tables if flags[table]]
    finding(
        test="T17",
        promise="Without a tenant the web process sees no row of any table",
        n=len(tables),
        figure=f"{len(walled)} tables with forced policies, {sum(seen.values())} rows seen, "
        f"{refused} of 5 ways around refused",
        passed=walled == tables
        and not any(seen.values())
        and refused == 5
        and not any(role.mighty or role.owned for role in roles)
        and len(roles) == len(DatabaseRole),
        naive=f"as the owner: rows of {naive} tables seen",
        naive_failed=naive > 0,
    )


def _count(work, table):
    return work._session.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def test_every_row_with_a_tenant_says_so_in_its_class():
    """The mixin is what our own queries ask by."""
    for mapper in Base.registry.mappers:
        if "tenant_id" in mapper.columns:
            assert issubclass(mapper.class_, TenantOwned)


def test_no_tenant_survives_in_the_pool(world, size, finding, no_filters):
    """Many requests of all tenants, at once, on two connections."""
    n = size(small=200, fast=1000, full=1000)
    url = world.web.settings.database_url.get_secret_value()
    engine = build_engine(url, pool_size=2, role=DatabaseRole.WEB)
    no_filters()  # only what the connection knows is left
    wrong = _interleaved(replace(world.web, uow=partial(SqlUnitOfWork, engine)), world, n)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT current_setting('vultus.tenant', true)")).scalar()
    engine.dispose()
    naive_engine = build_engine(url, pool_size=2, role=DatabaseRole.WEB)
    naive = _session_wide(naive_engine, [home.tenant_id for home in world.households])
    naive_engine.dispose()
    finding(
        test="T17",
        promise="A connection forgets its tenant at the end of the transaction",
        n=n,
        figure=f"{wrong} answers with another tenant's rows; setting afterwards: {left!r}",
        passed=wrong == 0 and not left,
        naive=f"SET for the session: {naive} rows seen by a transaction that names no tenant",
        naive_failed=naive > 0,
    )


def _interleaved(container, world, n):
    """Ask for the endpoints of the tenants in turn; return how many answers were not theirs."""
    client = world.client(container)
    turns, lock, wrong = cycle(world.households), threading.Lock(), []

    def ask(times):
        for _ in range(times):
            with lock:
                home = next(turns)
            answer = client.application.test_client().get(
                "/v1/webhooks", headers={"x-api-key": home.keys["admin"]}
            )
            found = {item["url"] for item in answer.json.get("items", [])}
            if found != {f"https://{home.name}.example/hook"}:
                wrong.append((home.name, found, answer.status_code))

    threads = [threading.Thread(target=ask, args=(n // 8,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


def _session_wide(engine, tenants):
    """Name the tenant as one does who forgets LOCAL; return what the next user sees."""
    for tenant in tenants:
        with engine.begin() as connection:
            connection.execute(text(f"SET vultus.tenant = '{tenant}'"))
    with engine.connect() as connection:
        return len(connection.execute(select(CollectionRow.__table__.c.id)).all())
