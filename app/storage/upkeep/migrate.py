"""Bring the database to the tables of this version."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from app.storage.database.health import MIGRATIONS
from app.storage.upkeep.patient_ddl import AGAIN_S, PATIENCE_S, is_in_use

if TYPE_CHECKING:
    from sqlalchemy import Engine

_LOG = logging.getLogger(__name__)


def migrate(engine: Engine, revision: str = "head", *, down: bool = False) -> None:
    """Run the migrations up, or down, to a revision; safe to call from several processes at once.

    A lock that is not free at once is requested again and again, for ten minutes: other statements
    on the tables wait for a moment at most.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    run = command.downgrade if down else command.upgrade
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with engine.connect() as connection:
                config.attributes["connection"] = connection
                run(config, revision)
        except DBAPIError as error:
            if not is_in_use(error) or time.monotonic() > deadline:
                raise
            _LOG.info("a table is in use; the migration is tried again")
            time.sleep(AGAIN_S)
        else:
            return
