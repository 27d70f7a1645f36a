from __future__ import annotations

import logging
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import exists, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from app.domain.documents import from_document, to_document
from app.domain.errors import ConflictError
from app.domain.reembedding import (
    DoubleFace,
    Reembedding,
    ReembeddingReport,
    ReembeddingState,
    SettledFaces,
    StoredFace,
)
from app.storage.people.faces import detection_of
from app.storage.people.image_keys import decrypt
from app.storage.search.statements import vector_of
from app.storage.tables import FaceRow, ImageKeyRow, ImageRow, ReembeddingRow, SubjectRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.domain.embedding import Embedding

_LOG = logging.getLogger(__name__)

_PUT = text(
    "UPDATE faces SET second_model = :model, second_embedding = CAST(:vector AS vector)"
    " WHERE id = :id"
)


def _free(ids: list[UUID]) -> Select[UUID]:
    """Lock those of the faces that no one else has locked: to wait here might be a deadlock."""
    return (
        select(FaceRow.id)
        .where(FaceRow.id.in_(ids))
        .with_for_update(key_share=True, skip_locked=True)
    )


def _reembedding(row: Any) -> Reembedding:  # noqa: ANN401 - whatever has the columns
    values = {field.name: getattr(row, field.name) for field in fields(Reembedding)}
    report = None if row.report is None else from_document(ReembeddingReport, row.report)
    return Reembedding(**{**values, "state": ReembeddingState(row.state), "report": report})


def _columns(reembedding: Reembedding) -> dict[str, Any]:
    report = reembedding.report
    return {
        **asdict(reembedding),
        "report": None if report is None else to_document(report),
    }


def _stored_face(row: Any) -> StoredFace:  # noqa: ANN401 - a row of the query below
    """Return a face; one that cannot be read counts as one without a photograph."""
    try:
        image = None if row.image is None else decrypt(row.image, row.key)
        return StoredFace(id=row.id, detection=detection_of(row), image=image)
    except (ValueError, IndexError, TypeError, InvalidTag) as error:
        _LOG.error(
            "a face cannot be read: %s",
            type(error).__name__,
            extra={"action": "face_unreadable", "face_id": str(row.id)},
        )
        return StoredFace(id=row.id, detection=None, image=None)


class SqlReembeddingRepository:
    """See :class:`app.services.ports.ReembeddingRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, reembedding: Reembedding) -> None:
        try:
            self._session.execute(insert(ReembeddingRow).values(_columns(reembedding)))
        except IntegrityError as error:
            raise ConflictError(
                "The collection is already changing its model. Finish or cancel that change first."
            ) from error

    def get(self, reembedding_id: UUID) -> Reembedding | None:
        return self._one(ReembeddingRow.id == reembedding_id)

    def lock(self, reembedding_id: UUID) -> Reembedding | None:
        return self._one(ReembeddingRow.id == reembedding_id, locked=True)

    def of_job(self, job_id: UUID) -> Reembedding | None:
        return self._one(ReembeddingRow.job_id == job_id)

    def page(self, collection_id: UUID, *, limit: int) -> list[Reembedding]:
        rows = self._session.scalars(
            select(ReembeddingRow)
            .where(ReembeddingRow.collection_id == collection_id)
            .order_by(ReembeddingRow.created_at.desc(), ReembeddingRow.id.desc())
            .limit(limit)
        )
        return [_reembedding(row) for row in rows]

    def update(self, reembedding: Reembedding) -> None:
        changes = _columns(reembedding)
        key = changes.pop("id")
        self._session.execute(
            update(ReembeddingRow).where(ReembeddingRow.id == key).values(changes)
        )

    def next_faces(
        self, collection_id: UUID, model: str, *, after: UUID | None, limit: int
    ) -> list[StoredFace]:
        query = select(
            FaceRow.id,
            FaceRow.box,
            FaceRow.landmarks,
            FaceRow.confidence,
            ImageRow.data.label("image"),
            ImageKeyRow.key,
        )
        query = query.outerjoin(ImageRow, ImageRow.id == FaceRow.image_id)
        query = query.outerjoin(ImageKeyRow, ImageKeyRow.image_id == ImageRow.id).where(
            FaceRow.collection_id == collection_id,
            FaceRow.model != model,
            FaceRow.second_model.is_distinct_from(model),
        )
        if after is not None:
            query = query.where(FaceRow.id > after)
        rows = self._session.execute(query.order_by(FaceRow.id).limit(limit))
        return [_stored_face(row) for row in rows]

    def put_vectors(self, model: str, found: Mapping[UUID, Embedding | None]) -> None:
        values = [
            {"id": face_id, "model": model, "vector": one and str(list(one.vector))}
            for face_id in self._session.scalars(_free(list(found)))
            for one in [found[face_id]]
        ]
        if values:
            self._session.execute(_PUT, values)

    def count_left_behind(self, collection_id: UUID, model: str) -> int:
        query = select(func.count()).select_from(FaceRow)
        query = query.where(FaceRow.collection_id == collection_id, vector_of(model).is_(None))
        return self._session.scalar(query) or 0

    def left_behind(self, collection_id: UUID, model: str, *, limit: int) -> list[UUID]:
        return list(
            self._session.scalars(
                select(FaceRow.id)
                .where(FaceRow.collection_id == collection_id, vector_of(model).is_(None))
                .order_by(FaceRow.id)
                .limit(limit)
            )
        )

    def double_faces(
        self, collection_id: UUID, *, former: str, new: str, limit: int
    ) -> list[DoubleFace]:
        rows = self._session.execute(
            select(
                FaceRow.subject_id,
                vector_of(former).label("former"),
                vector_of(new).label("new"),
            )
            .where(
                FaceRow.collection_id == collection_id,
                FaceRow.subject_id.is_not(None),
                vector_of(former).is_not(None),
                vector_of(new).is_not(None),
            )
            # In an order that has nothing to do with who they are, subject by subject.
            .order_by(func.md5(func.text(FaceRow.subject_id)), FaceRow.id)
            .limit(limit)
        )
        return [DoubleFace(**row._mapping) for row in rows]  # noqa: SLF001

    def settle(
        self, collection_id: UUID, model: str, *, after: UUID | None, limit: int
    ) -> SettledFaces:
        some = select(FaceRow.id).where(
            FaceRow.collection_id == collection_id,
            or_(FaceRow.second_model.is_not(None), FaceRow.model != model),
        )
        if after is not None:
            some = some.where(FaceRow.id > after)
        ids = list(self._session.scalars(some.order_by(FaceRow.id).limit(limit)))
        # Before the faces, in the order in which a subject is deleted.
        self._session.execute(
            select(SubjectRow.id)
            .where(SubjectRow.id.in_(select(FaceRow.subject_id).where(FaceRow.id.in_(ids))))
            .order_by(SubjectRow.id)
            .with_for_update(key_share=True)
        )
        ids = sorted(self._session.scalars(_free(ids)))
        among = FaceRow.id.in_(ids)
        bare = self._session.scalars(
            select(FaceRow.id).where(among, vector_of(model).is_(None)).order_by(FaceRow.id)
        ).all()
        self._session.execute(
            update(FaceRow)
            .where(among, FaceRow.id.not_in(bare))
            .values(
                model=model,
                embedding=vector_of(model),
                second_model=None,
                second_embedding=None,
            )
        )
        return SettledFaces(face_ids=ids, without_vector=bare)

    def is_settled(self, collection_id: UUID, model: str) -> bool:
        rest = exists().where(
            FaceRow.collection_id == collection_id,
            or_(FaceRow.second_model.is_not(None), FaceRow.model != model),
        )
        return not self._session.scalar(select(rest))

    def count_faces(self, collection_id: UUID) -> int:
        query = select(func.count()).select_from(FaceRow)
        return self._session.scalar(query.where(FaceRow.collection_id == collection_id)) or 0

    def _one(self, condition: Any, *, locked: bool = False) -> Reembedding | None:  # noqa: ANN401
        query = select(ReembeddingRow).where(condition)
        if locked:
            query = query.with_for_update()
        row = self._session.scalar(query.execution_options(populate_existing=True))
        return None if row is None else _reembedding(row)
