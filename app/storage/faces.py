"""Enrolled faces, and the search for the subjects nearest to a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgvector.sqlalchemy import Vector
from sqlalchemy import and_, cast, delete, func, insert, literal, select, text, update
from sqlalchemy.orm import aliased

from app.domain.collection import Face
from app.domain.detection import Detection
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.matching import Candidate
from app.domain.training import LabelledFace
from app.services.identity import new_id
from app.storage.search_statements import REJECTIONS
from app.storage.tables import INDEXED_DIMENSIONS, FaceRow, ImageRow, SubjectRow

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.domain.detection import AnalysedFace
    from app.domain.embedding import Embedding

#: Collections up to this size are compared face by face: that is exact, and as fast as an index
#: that other collections share.
EXACT_LIMIT = 50_000

#: How many neighbours HNSW keeps in sight, the most that pgvector allows: among 90,000 real and
#: random faces 200 lost one in eight of the ten nearest, 1000 one in a hundred.
_EF_SEARCH = 1000


def _face(row: Any) -> Face:  # noqa: ANN401 - a row of _faces()
    numbers = iter(row.landmarks)
    points = [Point(x, y) for x, y in zip(numbers, numbers, strict=True)]
    return Face(
        id=row.id,
        collection_id=row.collection_id,
        subject_id=row.subject_id,
        subject=row.subject,
        rejected_subject=row.rejected_subject,
        detection=Detection(
            box=BoundingBox(x_min=row.box[0], y_min=row.box[1], x_max=row.box[2], y_max=row.box[3]),
            landmarks=FiveLandmarks(
                image_left_eye=points[0],
                image_right_eye=points[1],
                nose=points[2],
                image_left_mouth=points[3],
                image_right_mouth=points[4],
            ),
            confidence=row.confidence,
        ),
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
            FaceRow.model,
            FaceRow.image_id,
            FaceRow.created_at,
        )
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


def _named(nearest: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Add the subjects' names to faces that are found already, so that the search stays alone."""
    found = nearest.subquery()
    return (
        select(found, SubjectRow.name)
        .join(SubjectRow, SubjectRow.id == found.c.subject_id)
        .order_by(found.c.distance)
    )


class SqlFaceRepository:
    """See :class:`app.services.ports.FaceRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._large: dict[tuple[UUID, str], bool] = {}

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
            raise ValueError("a face is enrolled with its embedding")
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
                created_at=func.now(),
                expires_at=expires_at,
            )
        )
        return face_id

    def get(self, face_id: UUID) -> Face | None:
        row = self._session.execute(_faces().where(FaceRow.id == face_id)).one_or_none()
        return None if row is None else _face(row)

    def image(self, face_id: UUID) -> bytes | None:
        return self._session.scalar(
            select(ImageRow.data)
            .join(FaceRow, FaceRow.image_id == ImageRow.id)
            .where(FaceRow.id == face_id)
        )

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

    def delete(self, face_id: UUID) -> None:
        self._session.execute(delete(FaceRow).where(FaceRow.id == face_id))

    def delete_labelled(self, collection_id: UUID, *, subject_id: UUID | None) -> int:
        rows = self._session.execute(
            delete(FaceRow).where(_labelled(collection_id, subject_id)).returning(FaceRow.id)
        )
        return len(rows.all())

    def nearest_subjects(
        self, probe: Embedding, collection_id: UUID, *, limit: int
    ) -> list[Candidate]:
        indexed = self._prepare_search(probe, collection_id)
        breadth = 4 * limit
        while True:
            nearest = self._nearest_faces(probe, collection_id, indexed=indexed).limit(breadth)
            rows = self._session.execute(_named(nearest)).all()
            best: dict[UUID, Any] = {}
            for row in rows:
                best.setdefault(row.subject_id, row)
            if len(best) >= limit or len(rows) < breadth:
                break
            breadth *= 4
        return _candidates(list(best.values())[:limit])

    def nearest_faces(
        self, probe: Embedding, collection_id: UUID, *, limit: int, face_id: UUID | None = None
    ) -> list[Candidate]:
        indexed = face_id is None and self._prepare_search(probe, collection_id)
        nearest = self._nearest_faces(probe, collection_id, indexed=indexed).limit(limit)
        if face_id is not None:
            nearest = nearest.where(FaceRow.id == face_id)
        return _candidates(self._session.execute(_named(nearest)).all())

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
                FaceRow.embedding.label("vector"),
                FaceRow.created_at,
            )
            .where(
                FaceRow.collection_id == collection_id,
                FaceRow.model == model,
                FaceRow.subject_id.is_not(None),
            )
            .order_by(FaceRow.subject_id, FaceRow.id)
        )
        return [LabelledFace(**row._mapping) for row in self._session.execute(query)]  # noqa: SLF001

    def delete_expired(self, *, now: datetime, limit: int) -> int:
        expired = select(FaceRow.id).where(FaceRow.expires_at <= now).limit(limit)
        rows = self._session.execute(
            delete(FaceRow).where(FaceRow.id.in_(expired.scalar_subquery())).returning(FaceRow.id)
        )
        return len(rows.all())

    def _prepare_search(self, probe: Embedding, collection_id: UUID) -> bool:
        """Tell whether to search by the index, and set it up for that."""
        indexed = self._is_large(collection_id, probe.model)
        if indexed:
            # strict_order goes on until enough rows of this collection are found; without it a
            # filtered search through a shared index comes back short.
            self._session.execute(
                select(
                    func.set_config("hnsw.iterative_scan", "strict_order", True),  # noqa: FBT003
                    func.set_config("hnsw.ef_search", str(_EF_SEARCH), True),  # noqa: FBT003
                )
            )
        return indexed

    def _is_large(self, collection_id: UUID, model: str) -> bool:
        """Tell which search is right; asked once for all the faces of a transaction."""
        known = self._large.get((collection_id, model))
        if known is not None:
            return known
        some = (
            select(literal(1))
            .where(FaceRow.collection_id == collection_id, FaceRow.model == model)
            .limit(EXACT_LIMIT + 1)
            .subquery()
        )
        count = self._session.scalar(select(func.count()).select_from(some)) or 0
        return self._large.setdefault((collection_id, model), count > EXACT_LIMIT)

    def _nearest_faces(
        self, probe: Embedding, collection_id: UUID, *, indexed: bool
    ) -> Select[*tuple[Any, ...]]:
        """Order faces by distance, and by nothing else: a second key would lose the index.

        The index is over the cast column, so the search that must be exact leaves out the cast.
        """
        vector: ColumnElement[Any] = FaceRow.embedding  # type: ignore[assignment]
        query = select(FaceRow.id, FaceRow.subject_id).where(
            FaceRow.collection_id == collection_id,
            FaceRow.model == probe.model,
            FaceRow.subject_id.is_not(None),
        )
        if indexed and probe.dimension in INDEXED_DIMENSIONS:
            vector = cast(FaceRow.embedding, Vector(probe.dimension))
            query = query.where(func.vector_dims(FaceRow.embedding) == text(str(probe.dimension)))
        distance = vector.cosine_distance(list(probe.vector)).label("distance")
        return query.add_columns(distance).order_by(distance)
