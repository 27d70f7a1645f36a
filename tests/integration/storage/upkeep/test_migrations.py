from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from app.domain.tenant import DEFAULT_TENANT_ID
from app.storage.database.engine import build_engine
from app.storage.database.health import MIGRATIONS, check_database
from app.storage.tables import Base
from app.storage.upkeep.migrate import migrate


def test_migrations_make_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def _migrate(url):
    engine = build_engine(url, pool_size=1)
    try:
        migrate(engine)
    finally:
        engine.dispose()


def test_processes_that_migrate_at_once_take_turns(engine):
    """An index built concurrently waits for every statement, also for one that waits for it."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    url = engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(_migrate, [url] * 3))
    assert check_database(engine, silence_s=30)["migrations"]


def test_a_migrated_database_is_reported_as_such(engine):
    parts = check_database(engine, silence_s=30)
    assert (parts["database"], parts["migrations"]) == (True, True)


def test_an_older_database_is_reported_as_not_migrated(engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    parts = check_database(engine, silence_s=30)
    assert (parts["database"], parts["migrations"]) == (True, False)


def test_photographs_are_stored_as_they_are(engine):
    """They are compressed already, and Postgres would try for long."""
    with engine.connect() as connection:
        storage = connection.scalar(
            text(
                "SELECT attstorage FROM pg_attribute"
                " WHERE attrelid = 'images'::regclass AND attname = 'data'"
            )
        )
    assert storage == "e"


def test_the_tenants_can_be_taken_back_and_given_again(engine, collection):
    """What was there before there were tenants is the first one's."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
        command.upgrade(config, "0006")
        command.upgrade(config, "head")
        owner = connection.scalar(text("SELECT tenant_id FROM collections"))
    assert owner == DEFAULT_TENANT_ID
