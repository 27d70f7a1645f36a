"""The API on a real Postgres; only the broker, the sender and the workers are left out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from factories import analysed_face, image_analysis, model_profile
from fakes import FakeClock, FakeJobQueue, FakeSender

from app.bootstrap import Container
from app.domain.access import Scope
from app.domain.backlog import Bounds
from app.domain.caller import Caller
from app.domain.tenant import DEFAULT_TENANT_ID
from app.factory import create_app
from app.services.access.keys import create_key
from app.services.jobs.admission import Admission
from app.services.recognition.enrol import enrolled
from app.settings import Settings
from app.storage.database.engine import build_engine
from app.storage.database.health import check_database
from app.storage.database.pulses import PostgresPulses
from app.storage.database.tenancy import DatabaseRole
from app.storage.jobs.bell import PostgresJobBell
from app.storage.tables import Base, LegalHoldRow, TenantRow
from app.storage.unit_of_work import SqlUnitOfWork
from tests.databases import new_database

MODEL = "facenet-msceleb-128"
RETENTION = timedelta(hours=1)


@pytest.fixture(scope="session")
def api_database_url(database_server, migrated_template):
    with new_database(database_server, template=migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def api_engine(api_database_url):
    """The connections of the web process."""
    engine = build_engine(api_database_url, pool_size=8, role=DatabaseRole.WEB)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def owner_engine(api_database_url):
    """Connections that see everything, as those of the command line do."""
    engine = build_engine(api_database_url, pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def bell(api_database_url):
    with closing(PostgresJobBell(api_database_url, role=DatabaseRole.WEB)) as bell:
        yield bell


@pytest.fixture
def settings(api_database_url):
    return Settings(
        database_url=api_database_url,
        redis_url="redis://127.0.0.1:1/0",
        secret_key="k" * 32,
        base_url="https://faces.example",
        max_upload_bytes=100_000,
        max_pixels=1_000_000,
        max_images=4,
        max_request_bytes=600_000,
        max_wait_s=50,
    )


@pytest.fixture
def container(settings, api_engine, owner_engine, bell):
    """What the command line and the workers would use."""
    with owner_engine.begin() as connection:
        connection.execute(LegalHoldRow.__table__.delete())  # else what is held stays
        for table in reversed(Base.metadata.sorted_tables):
            if table.name.startswith("audit_"):  # nobody may delete from these
                continue
            rows = table.delete()
            if table is TenantRow.__table__:
                rows = rows.where(TenantRow.id != DEFAULT_TENANT_ID)
            connection.execute(rows)
    return Container(
        settings=settings,
        uow=partial(SqlUnitOfWork, owner_engine),
        queue=FakeJobQueue(),
        admission=Admission.within(Bounds(tenant=1000, whole=2000)),
        bell=bell,
        sender=FakeSender(),
        clock=FakeClock(),
        models={name: model_profile(name) for name in (MODEL, "facenet-casia-512")},
        pulses=PostgresPulses(owner_engine, interval_s=1),
        check_parts=lambda: {
            **check_database(api_engine, silence_s=40),
            "broker": False,
            "disk": True,
        },
    )


@pytest.fixture
def web_container(container, api_engine):
    return replace(container, uow=partial(SqlUnitOfWork, api_engine))


@pytest.fixture
def app(web_container):
    return create_app(web_container)


@pytest.fixture
def make_client(app, container):
    """Return a function that makes a client with a new key of its own."""

    def make(scope=Scope.ADMIN, collection_id=None, expires_at=None, tenant_id=DEFAULT_TENANT_ID):
        key, credential = create_key(
            name="test",
            scope=scope,
            collection_id=collection_id,
            expires_at=expires_at,
            caller=Caller.of_command_line(tenant_id),
            uow=container.uow,
            clock=container.clock,
        )
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {credential}"
        client.key = key
        client.credential = str(credential)
        return client

    return make


@pytest.fixture
def anyone(app):
    """A caller without a key."""
    return app.test_client()


@pytest.fixture
def admin(make_client):
    return make_client()


@pytest.fixture
def staff(admin):
    """A collection."""
    return admin.post("/v1/collections", json={"name": "staff"}).json


@pytest.fixture
def work_off(container):
    """Return a function that does what a worker would: claim a job and enrol one face."""

    def work(job_id, *, error=None, direction=0):
        with container.uow() as unit:
            claim, images = unit.jobs.claim_named(job_id, worker="test", lease=timedelta(minutes=1))
            unit.commit()
        if error is not None:
            return container.desk.fail(claim, error)
        analyses = [image_analysis(analysed_face(direction)) for _ in images]
        return container.desk.complete(
            claim,
            lambda unit: enrolled(unit, claim, claim.parameters, analyses, container.clock),
        )

    return work
