"""The faces nearest to a probe: by comparing all of a collection, or through the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import cast, func, literal, select, text

from app.storage.tables import INDEXED_DIMENSIONS, FaceRow, SubjectRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.domain.embedding import Embedding

#: Collections up to this size are compared face by face: that is exact, and no slower than a walk
#: through an index in which nine faces of ten are other collections'.
EXACT_LIMIT = 100_000

#: Faces of the collection to take from the index at least, and to put in order by exact distance.
#: HNSW keeps 1000 neighbours in sight at most; with more to deliver it goes on behind them. Among a
#: million faces 160 of them held 0.992 of the ten nearest subjects, 1,200 held 0.998.
_SIGHT = 1_200

#: For the walk that goes on: ``relaxed_order`` leaves nothing out to keep an order that is made
#: anew anyway. The limits are such that it does not end early among other collections' faces, nor
#: take longer than a statement may.
_WALK = {
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.ef_search": "1000",
    "hnsw.max_scan_tuples": "40000",
    "hnsw.scan_mem_multiplier": "8",
}

#: Faces to look at for each subject that is asked for; subjects have several.
_FACES_PER_SUBJECT = 16


class FaceSearch:
    """Searches in one transaction; rows are named tuples of id, subject_id, name and distance."""

    def __init__(self, session: Session) -> None:
        self._session = session
        #: Asked once for all the probes of a transaction.
        self._large: dict[tuple[UUID, str], bool] = {}

    def subjects(self, probe: Embedding, collection_id: UUID, *, limit: int) -> list[Any]:
        """Return the nearest face of each of the nearest subjects, nearest first."""
        indexed = self._is_indexed(probe, collection_id)
        breadth = _FACES_PER_SUBJECT * limit
        while True:
            rows = self._nearest(probe, collection_id, indexed=indexed, breadth=breadth)
            best: dict[UUID, Any] = {}
            for row in rows:
                best.setdefault(row.subject_id, row)
            if len(best) >= limit:
                break
            if len(rows) >= breadth:
                breadth *= 4
            elif indexed:  # pgvector gave up among the faces of other collections
                indexed = False
            else:
                break
        return list(best.values())[:limit]

    def faces(self, probe: Embedding, collection_id: UUID, *, limit: int) -> list[Any]:
        """Return the nearest faces that show a subject, nearest first."""
        indexed = self._is_indexed(probe, collection_id)
        rows = self._nearest(probe, collection_id, indexed=indexed, breadth=limit)
        if indexed and len(rows) < limit:
            rows = self._nearest(probe, collection_id, indexed=False, breadth=limit)
        return rows

    def face(self, probe: Embedding, collection_id: UUID, face_id: UUID) -> list[Any]:
        """Compare with one face alone; nothing if it shows no subject of the collection."""
        only = nearest_faces(probe, collection_id, indexed=False).where(FaceRow.id == face_id)
        return list(self._session.execute(_named(only, 1)))

    def _nearest(
        self, probe: Embedding, collection_id: UUID, *, indexed: bool, breadth: int
    ) -> list[Any]:
        sight = breadth
        if indexed:
            sight = max(_SIGHT, 2 * breadth)
            self._session.execute(
                select(*(func.set_config(name, value, True) for name, value in _WALK.items()))  # noqa: FBT003
            )
        nearest = nearest_faces(probe, collection_id, indexed=indexed).limit(sight)
        return list(self._session.execute(_named(nearest, breadth)))

    def _is_indexed(self, probe: Embedding, collection_id: UUID) -> bool:
        if probe.dimension not in INDEXED_DIMENSIONS:
            return False
        known = self._large.get((collection_id, probe.model))
        if known is not None:
            return known
        some = (
            select(literal(1))
            .where(FaceRow.collection_id == collection_id, FaceRow.model == probe.model)
            .limit(EXACT_LIMIT + 1)
            .subquery()
        )
        count = self._session.scalar(select(func.count()).select_from(some)) or 0
        return self._large.setdefault((collection_id, probe.model), count > EXACT_LIMIT)


def nearest_faces(
    probe: Embedding, collection_id: UUID, *, indexed: bool
) -> Select[*tuple[Any, ...]]:
    """Order a collection's faces by distance, and by nothing else: a second key loses the index.

    The index is over the vectors cast to half precision, so the order by the index is that of the
    rounded vectors, and the search that must be exact leaves out the cast. The column ``distance``
    is exact in both.
    """
    vector = list(probe.vector)
    distance = FaceRow.embedding.cosine_distance(vector).label("distance")
    query = select(FaceRow.id, FaceRow.subject_id, distance).where(
        FaceRow.collection_id == collection_id,
        FaceRow.model == probe.model,
        FaceRow.subject_id.is_not(None),
    )
    if not indexed:
        return query.order_by(distance)
    halves = cast(FaceRow.embedding, HALFVEC(probe.dimension))
    return query.where(func.vector_dims(FaceRow.embedding) == text(str(probe.dimension))).order_by(
        halves.cosine_distance(vector)
    )


def _named(nearest: Select[*tuple[Any, ...]], count: int) -> Select[*tuple[Any, ...]]:
    """Add the subjects' names to faces that are found already, so that the search stays alone."""
    seen = nearest.subquery()
    found = select(seen).order_by(seen.c.distance).limit(count).subquery()
    return (
        select(found, SubjectRow.name)
        .join(SubjectRow, SubjectRow.id == found.c.subject_id)
        .order_by(found.c.distance)
    )
