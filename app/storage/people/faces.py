"""Enrolled faces, and the search for the subjects nearest to a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.orm import aliased

from app.domain.collection import Face
from app.domain.detection import Detection
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.identity import new_id
from app.domain.matching import Candidate
from app.domain.training import LabelledFace
from app.storage.people.image_keys import decrypt
from app.storage.search.face_search import FaceSearch
from app.storage.search.statements import REJECTIONS, vector_of
from app.storage.tables import CollectionRow, FaceRow, ImageKeyRow, ImageRow, SubjectRow

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.domain.detection import AnalysedFace
    from app.domain.embedding import Embedding


def detection_of(row: Any) -> Detection:  # noqa: ANN401 - whatever has the columns
    """Return where a face was found."""
    numbers = iter(row.landmarks)
    points = [Point(x, y) for x, y in zip(numbers, numbers, strict=True)]
    return Detection(
        box=BoundingBox(x_min=row.box[0], y_min=row.box[1], x_max=row.box[2], y_max=row.box[3]),
        landmarks=FiveLandmarks(
            image_left_eye=points[0],
            image_right_eye=points[1],
            nose=points[2],
            image_left_mouth=points[3],
            image_right_mouth=points[4],
        ),
        confidence=row.confidence,
    )


def _face(row: Any) -> Face:  # noqa: ANN401 - a row of _faces()
    return Face(
        id=row.id,
        collection_id=row.collection_id,
        subject_id=row.subject_id,
        subject=row.subject,
        rejected_subject=row.rejected_subject,
        detection=detection_of(row),
        model=row.model,
        image_id=row.image_id,
        created_at=row.created_at,
    )


def _faces() -> Select[*tuple[Any, ...]]:
    rejected = aliased(SubjectRow)
    return (
        select(
            FaceRow.id,
            FaceRow.collection_id,
            FaceRow.subject_id,
            SubjectRow.name.label("subject"),
            rejected.name.label("rejected_subject"),
            FaceRow.box,
            FaceRow.landmarks,
            FaceRow.confidence,
            CollectionRow.model,
            FaceRow.image_id,
            FaceRow.created_at,
        )
        .join(CollectionRow, CollectionRow.id == FaceRow.collection_id)
        .outerjoin(SubjectRow, SubjectRow.id == FaceRow.subject_id)
        .outerjoin(rejected, rejected.id == FaceRow.rejected_subject_id)
    )


def _labelled(collection_id: UUID, subject_id: UUID | None) -> ColumnElement[bool]:
    if subject_id is None:
        return and_(FaceRow.collection_id == collection_id, FaceRow.subject_id.is_not(None))
    return and_(FaceRow.collection_id == collection_id, FaceRow.subject_id == subject_id)


def cosine(distance: float) -> float:
    """Return the cosine at a distance of pgvector's, which may be too large in the last digit."""
    return max(-1.0, min(1.0, 1 - distance))


def _candidates(rows: Sequence[Any]) -> list[Candidate]:
    """Turn found faces with names into candidates whose score is their similarity."""
    candidates = [
        Candidate(
            subject_id=row.subject_id,
            subject=row.name,
            face_id=row.id,
            similarity=cosine(row.distance),
            score=cosine(row.distance),
        )
        for row in rows
    ]
    return sorted(candidates, key=lambda c: (-c.similarity, c.face_id))


class SqlFaceRepository:
    """See :class:`app.services.ports.FaceRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._search = FaceSearch(session)

    def add(
        self,
        *,
        collection_id: UUID,
        subject_id: UUID | None,
        job_id: UUID,
        image_number: int,
        image_id: UUID | None,
        face: AnalysedFace,
        rejected_subject_id: UUID | None = None,
        expires_at: datetime | None,
        face_id: UUID | None = None,
    ) -> UUID:
        if face.embedding is None:
            raise ValueError("A face must be enrolled with its embedding.")
        box, face_id = face.detection.box, face_id or new_id()
        self._session.execute(
            insert(FaceRow).values(
                id=face_id,
                collection_id=collection_id,
                subject_id=subject_id,
                rejected_subject_id=rejected_subject_id,
                job_id=job_id,
                image_number=image_number,
                image_id=image_id,
                box=[float(edge) for edge in (box.x_min, box.y_min, box.x_max, box.y_max)],
                landmarks=[float(value) for point in face.detection.landmarks for value in point],
                confidence=face.detection.confidence,
                model=face.embedding.model,
                embedding=list(face.embedding.vector),
                second_model=None if face.second is None else face.second.model,
                second_embedding=None if face.second is None else list(face.second.vector),
                created_at=func.now(),
                expires_at=expires_at,
            )
        )
        return face_id

    def get(self, face_id: UUID) -> Face | None:
        row = self._session.execute(_faces().where(FaceRow.id == face_id)).one_or_none()
        return None if row is None else _face(row)

    def image(self, face_id: UUID) -> bytes | None:
        row = self._session.execute(
            select(ImageRow.data, ImageKeyRow.key)
            .join(FaceRow, FaceRow.image_id == ImageRow.id)
            .outerjoin(ImageKeyRow, ImageKeyRow.image_id == ImageRow.id)
            .where(FaceRow.id == face_id)
        ).one_or_none()
        return None if row is None else decrypt(row.data, row.key)

    def page(
        self,
        collection_id: UUID,
        *,
        subject_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[Face]:
        query = _faces().where(FaceRow.collection_id == collection_id)
        if subject_id is not None:
            query = query.where(FaceRow.subject_id == subject_id)
        if after is not None:
            query = query.where(FaceRow.id > after)
        return [
            _face(row) for row in self._session.execute(query.order_by(FaceRow.id).limit(limit))
        ]

    def slice(
        self, collection_id: UUID, *, subject_id: UUID | None, offset: int, limit: int
    ) -> list[Face]:
        query = _faces().where(_labelled(collection_id, subject_id)).order_by(FaceRow.id)
        return [_face(row) for row in self._session.execute(query.offset(offset).limit(limit))]

    def count(self, collection_id: UUID, *, subject_id: UUID | None) -> int:
        query = select(func.count()).select_from(FaceRow)
        return self._session.scalar(query.where(_labelled(collection_id, subject_id))) or 0

    def labelled_ids(self, collection_id: UUID, *, subject_id: UUID | None = None) -> list[UUID]:
        query = select(FaceRow.id).where(_labelled(collection_id, subject_id))
        return list(self._session.scalars(query))

    def nearest_subjects(
        self, probe: Embedding, collection_id: UUID, *, limit: int
    ) -> list[Candidate]:
        return _candidates(self._search.subjects(probe, collection_id, limit=limit))

    def nearest_faces(
        self, probe: Embedding, collection_id: UUID, *, limit: int, face_id: UUID | None = None
    ) -> list[Candidate]:
        if face_id is not None:
            return _candidates(self._search.face(probe, collection_id, face_id))
        return _candidates(self._search.faces(probe, collection_id, limit=limit))

    def rejections(self, probe: Embedding, subject_ids: Iterable[UUID]) -> dict[UUID, float]:
        rows = self._session.execute(
            REJECTIONS,
            {
                "probe": list(probe.vector),
                "subject_ids": list(subject_ids),
                "model": probe.model,
            },
        )
        return {row.rejected_subject_id: cosine(row.distance) for row in rows}

    def relabel(
        self, face_id: UUID, *, subject_id: UUID | None, rejected_subject_id: UUID | None
    ) -> None:
        self._session.execute(
            update(FaceRow)
            .where(FaceRow.id == face_id)
            .values(subject_id=subject_id, rejected_subject_id=rejected_subject_id)
        )

    def labelled(self, collection_id: UUID, model: str) -> list[LabelledFace]:
        query = (
            select(
                FaceRow.id,
                FaceRow.subject_id,
                vector_of(model).label("vector"),
                FaceRow.created_at,
            )
            .where(
                FaceRow.collection_id == collection_id,
                vector_of(model).is_not(None),
                FaceRow.subject_id.is_not(None),
            )
            .order_by(FaceRow.subject_id, FaceRow.id)
        )
        return [LabelledFace(**row._mapping) for row in self._session.execute(query)]  # noqa: SLF001
