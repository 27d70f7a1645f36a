from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from app.domain.tenant import DEFAULT_TENANT_ID
from app.storage.health import MIGRATIONS, check_database
from app.storage.tables import Base


def test_migrations_make_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_migrated_database_is_reported_as_such(engine):
    assert check_database(engine) == {"database": True, "migrations": True}


def test_an_older_database_is_reported_as_not_migrated(engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    assert check_database(engine) == {"database": True, "migrations": False}


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
