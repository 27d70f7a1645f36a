"""Copy the people of a collection inside the database, so that no photograph leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Text, and_, func, insert, literal, null, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken

from app.storage.search.statements import vector_of
from app.storage.tables import (
    CollectionRow,
    ConsentRow,
    FaceRow,
    ImageKeyRow,
    ImageRow,
    SubjectRow,
)

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Insert, Table

_SUBJECTS = cast("Table", SubjectRow.__table__)
_CONSENTS = cast("Table", ConsentRow.__table__)
_FACES = cast("Table", FaceRow.__table__)
_IMAGES = cast("Table", ImageRow.__table__)
_IMAGE_KEYS = cast("Table", ImageKeyRow.__table__)

#: Letters of an id up to the dash in its middle: they hold its time.
_HALF = 18


def copies(source: UUID, target: UUID) -> list[Insert]:
    """Return the statements that copy subjects, consents, photographs with keys, and faces.

    Of a collection that changes its model, the copy has the vectors in use alone.
    """
    model = select(CollectionRow.model).where(CollectionRow.id == source).scalar_subquery()

    def copied(column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Give the copy's id: it follows from the id and the target, and keeps the time in it."""
        text = sql_cast(column, Text())
        digest = sql_cast(sql_cast(func.md5(text + literal(str(target))), PgUuid()), Text())
        return sql_cast(
            func.left(text, _HALF, type_=Text()) + func.right(digest, _HALF, type_=Text()), PgUuid()
        )

    collection_id = sql_cast(literal(str(target)), PgUuid())
    of_source = _FACES.c.collection_id == source
    people = select(_SUBJECTS.c.id).where(_SUBJECTS.c.collection_id == source)
    images = select(_FACES.c.image_id).where(of_source)
    return [
        _copy(
            _SUBJECTS,
            {"id": copied(_SUBJECTS.c.id), "collection_id": collection_id, "prototype": null()},
            _SUBJECTS.c.collection_id == source,
        ),
        _copy(
            _CONSENTS,
            {"id": copied(_CONSENTS.c.id), "subject_id": copied(_CONSENTS.c.subject_id)},
            _CONSENTS.c.subject_id.in_(people),
        ),
        _copy(
            _IMAGES,
            {"id": copied(_IMAGES.c.id), "job_id": null()},
            _IMAGES.c.id.in_(images),
        ),
        _copy(
            _IMAGE_KEYS,
            {"image_id": copied(_IMAGE_KEYS.c.image_id)},
            _IMAGE_KEYS.c.image_id.in_(images),
        ),
        _copy(
            _FACES,
            {
                "id": copied(_FACES.c.id),
                "collection_id": collection_id,
                "subject_id": copied(_FACES.c.subject_id),
                "rejected_subject_id": copied(_FACES.c.rejected_subject_id),
                "job_id": copied(_FACES.c.job_id),
                "image_id": copied(_FACES.c.image_id),
                "model": model,
                "embedding": vector_of(model),
                "second_model": null(),
                "second_embedding": null(),
            },
            and_(of_source, vector_of(model).is_not(None)),
        ),
    ]


def _copy(table: Table, changes: dict[str, Any], which: ColumnElement[bool]) -> Insert:
    columns = [column for column in table.c if column.computed is None]
    values = [changes.get(column.name, column) for column in columns]
    return insert(table).from_select(columns, select(*values).where(which))
