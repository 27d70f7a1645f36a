"""What the database refuses by itself, whatever its caller has forgotten to ask."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import text

_TRIGGERS = {
    "refuse_without_consent_on_insert": "faces",
    "refuse_without_consent_on_update": "faces",
    "refuse_moving_held": "faces",
    "refuse_erasing_held": "faces",
}


@contextmanager
def without_walls(world):
    """Take away what the database refuses by itself."""
    with world.owner.uow() as work:
        for trigger, table in _TRIGGERS.items():
            work._session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
        work._session.execute(text("ALTER TABLE subjects DISABLE TRIGGER refuse_erasing_held"))
        for column, parent in (("collection_id", "collections"), ("subject_id", "subjects")):
            name = f"fk_legal_holds_{column}"
            work._session.execute(text(f"ALTER TABLE legal_holds DROP CONSTRAINT {name}"))
            work._session.execute(
                text(
                    f"ALTER TABLE legal_holds ADD CONSTRAINT {name} FOREIGN KEY ({column})"
                    f" REFERENCES {parent} (id) ON DELETE CASCADE"
                )
            )
        work.commit()
    with pytest.MonkeyPatch.context() as patch:
        yield patch
