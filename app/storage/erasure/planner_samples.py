"""Columns of which Postgres' planner keeps no samples.

``ANALYZE`` copies values of a column into ``pg_statistic``, where they outlive their rows: names,
vectors short enough, and what an index computes from them. No plan of ours depends on them.
"""

from __future__ import annotations

_TABLES = {
    "subjects": ("name", "prototype"),
    "faces": ("embedding", "second_embedding", "box", "landmarks"),
    "images": ("data",),
    "image_keys": ("key",),
    "trainings": ("weights",),
    "idempotency_keys": ("key", "fingerprint"),
}

#: Indexes over something computed, with the number of that column.
_INDEXES = {"ix_subjects_folded_name": 2, "ix_faces_halves_128": 1, "ix_faces_halves_512": 1}

#: Postgres 18 lets the owner of a table do it; before it takes a superuser.
_FORGET = """
DO $$
DECLARE
    kept record;
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        FOR kept IN
            SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE relnamespace = current_schema()::regnamespace AND attstattarget = 0
        LOOP
            PERFORM pg_clear_attribute_stats(
                current_schema()::text, kept.relname::text, kept.attname::text, false
            );
        END LOOP;
    END IF;
END
$$
"""


def keep_no_samples() -> list[str]:
    """Return the statements that end the samples of all of them."""
    return _targets("0")


def keep_samples() -> list[str]:
    """Return the statements that undo those of :func:`keep_no_samples`."""
    return _targets("DEFAULT")


def forget_samples() -> str:
    """Return the statement that drops the samples which are there."""
    return _FORGET


def _targets(target: str) -> list[str]:
    return [
        *(
            f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {target}"
            for table, columns in _TABLES.items()
            for column in columns
        ),
        *(
            f"ALTER INDEX {index} ALTER COLUMN {number} SET STATISTICS {target}"
            for index, number in _INDEXES.items()
        ),
    ]
