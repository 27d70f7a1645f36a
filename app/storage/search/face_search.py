"""The faces nearest to a probe: by comparing all of a collection, or through the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pgvector.sqlalchemy import HALFVEC, Vector
from sqlalchemy import Float, case, cast, exists, func, literal, or_, select, text

from app.storage.search.statements import vector_of
from app.storage.tables import INDEXED_DIMENSIONS, CollectionRow, FaceRow, SubjectRow

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


class Way(NamedTuple):
    """How the faces of a collection are compared."""

    #: Through the index, as there are many.
    indexed: bool
    #: By whichever of a face's two vectors is of the probe's model.
    mixed: bool


class FaceSearch:
    """Searches in one transaction; rows are named tuples of id, subject_id, name and distance."""

    def __init__(self, session: Session) -> None:
        self._session = session
        #: Asked once for all the probes of a transaction.
        self._ways: dict[tuple[UUID, str], Way] = {}

    def subjects(self, probe: Embedding, collection_id: UUID, *, limit: int) -> list[Any]:
        """Return the nearest face of each of the nearest subjects, nearest first."""
        way = self._way(probe, collection_id)
        breadth = _FACES_PER_SUBJECT * limit
        while True:
            rows = self._nearest(probe, collection_id, way, breadth=breadth)
            best: dict[UUID, Any] = {}
            for row in rows:
                best.setdefault(row.subject_id, row)
            if len(best) >= limit:
                break
            if len(rows) >= breadth:
                breadth *= 4
            elif way.indexed:  # pgvector gave up among the faces of other collections
                way = way._replace(indexed=False)
            else:
                break
        return list(best.values())[:limit]

    def faces(self, probe: Embedding, collection_id: UUID, *, limit: int) -> list[Any]:
        """Return the nearest faces that show a subject, nearest first."""
        way = self._way(probe, collection_id)
        rows = self._nearest(probe, collection_id, way, breadth=limit)
        if way.indexed and len(rows) < limit:
            rows = self._nearest(probe, collection_id, way._replace(indexed=False), breadth=limit)
        return rows

    def face(self, probe: Embedding, collection_id: UUID, face_id: UUID) -> list[Any]:
        """Compare with one face alone; nothing if it shows no subject of the collection."""
        either = nearest_faces(probe, collection_id, indexed=False, mixed=True)
        only = either.where(FaceRow.id == face_id)
        return list(self._session.execute(_named(only, 1)))

    def _nearest(
        self, probe: Embedding, collection_id: UUID, way: Way, *, breadth: int
    ) -> list[Any]:
        sight = breadth
        if way.indexed:
            sight = max(_SIGHT, 2 * breadth)
            self._session.execute(
                select(*(func.set_config(name, value, True) for name, value in _WALK.items()))  # noqa: FBT003
            )
        nearest = nearest_faces(probe, collection_id, **way._asdict()).limit(sight)
        return list(self._session.execute(_named(nearest, breadth)))

    def _way(self, probe: Embedding, collection_id: UUID) -> Way:
        known = self._ways.get((collection_id, probe.model))
        if known is not None:
            return known
        some = (
            select(literal(1))
            .where(FaceRow.collection_id == collection_id, FaceRow.model == probe.model)
            .limit(EXACT_LIMIT + 1)
            .subquery()
        )
        count = select(func.count()).select_from(some).scalar_subquery()
        # Two questions, as an index answers both at once, and "not equal" by reading everything.
        others = or_(
            *(
                exists().where(FaceRow.collection_id == collection_id, side)
                for side in (FaceRow.model < probe.model, FaceRow.model > probe.model)
            )
        )
        changing = CollectionRow.second_model.is_not(None)
        mixed = select(case((changing, others), else_=False)).where(
            CollectionRow.id == collection_id
        )
        row = self._session.execute(
            select(count.label("faces"), mixed.scalar_subquery().label("mixed"))
        ).one()
        large = row.faces > EXACT_LIMIT and probe.dimension in INDEXED_DIMENSIONS
        way = Way(indexed=large and not row.mixed, mixed=bool(row.mixed))
        return self._ways.setdefault((collection_id, probe.model), way)


def nearest_faces(
    probe: Embedding, collection_id: UUID, *, indexed: bool, mixed: bool = False
) -> Select[*tuple[Any, ...]]:
    """Order a collection's faces by distance, and equal ones by id where all are compared.

    Through the index they are ordered by the distance alone: a second key would lose it.
    The index is over the vectors cast to half precision, so the order by the index is that of the
    rounded vectors, and the search that must be exact leaves out the cast. The column ``distance``
    is exact in both.
    """
    vector = list(probe.vector)
    if mixed:
        own = vector_of(probe.model)
        distance = own.op("<=>", return_type=Float())(literal(vector, Vector())).label("distance")
        is_of_model = own.is_not(None)
    else:
        distance = FaceRow.embedding.cosine_distance(vector).label("distance")
        is_of_model = FaceRow.model == probe.model
    query = select(FaceRow.id, FaceRow.subject_id, distance).where(
        FaceRow.collection_id == collection_id, is_of_model, FaceRow.subject_id.is_not(None)
    )
    if not indexed:
        return query.order_by(distance, FaceRow.id)
    halves = cast(FaceRow.embedding, HALFVEC(probe.dimension))
    return query.where(func.vector_dims(FaceRow.embedding) == text(str(probe.dimension))).order_by(
        halves.cosine_distance(vector)
    )


def _named(nearest: Select[*tuple[Any, ...]], count: int) -> Select[*tuple[Any, ...]]:
    """Add the subjects' names to faces that are found already, so that the search stays alone.

    Equal ones come in the order of their ids: else they would change places with every change of a
    row.
    """
    seen = nearest.subquery()
    found = select(seen).order_by(seen.c.distance, seen.c.id).limit(count).subquery()
    return (
        select(found, SubjectRow.name)
        .join(SubjectRow, SubjectRow.id == found.c.subject_id)
        .order_by(found.c.distance, found.c.id)
    )
