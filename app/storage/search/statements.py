"""The statements that a search passes through, built once: one round trip each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pgvector.sqlalchemy import Vector
from sqlalchemy import (
    Float,
    Integer,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken

from app.domain.matching import PROTOTYPE_SCALE, PROTOTYPES_UP_TO
from app.storage.tables import CollectionRow, FaceRow, ReadingRow, SubjectRow, TrainingRow

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_COLLECTIONS = cast("Table", CollectionRow.__table__)
_SUBJECTS = cast("Table", SubjectRow.__table__)
_FACES = cast("Table", FaceRow.__table__)
_READINGS = cast("Table", ReadingRow.__table__)
_TRAININGS = cast("Table", TrainingRow.__table__)

_COLLECTION_ID = bindparam("collection_id", type_=PgUuid())
_PROBE = bindparam("probe", type_=Vector())
_SUBJECT_IDS = bindparam("subject_ids", type_=ARRAY(PgUuid()))
_MODEL = bindparam("model", type_=Text())


def result_lock(collection_id: ColumnElement[str]) -> ColumnElement[int]:
    """Name the lock that is shared by those who search a collection until their results are stored.

    Who erases somebody takes it alone, and finds every result that may tell of him.
    """
    return func.hashtextextended(literal("results ").concat(collection_id), 0)


def vector_of(model: Any) -> Any:  # noqa: ANN401
    """Return a face's vector by a model; null where it has none."""
    return case(
        (_FACES.c.model == model, _FACES.c.embedding),
        (_FACES.c.second_model == model, _FACES.c.second_embedding),
    )


def searched_by(collection_id: Any, model: Any) -> Any:  # noqa: ANN401
    """Hold while a collection is searched by a model, as the same statement sees its vectors."""
    current = select(_COLLECTIONS.c.model).where(_COLLECTIONS.c.id == collection_id)
    return current.scalar_subquery() == model


def _search_basis() -> Any:  # noqa: ANN401 - SQLAlchemy's types of statements are long
    """Read all that a search in ``collection_id`` rests on beside the faces themselves.

    What was read with the lock may be older than an erasure for which it waited. Names are read by
    the statements that follow.
    """
    some = (
        select(literal(1))
        .where(_SUBJECTS.c.collection_id == _COLLECTION_ID, _SUBJECTS.c.prototype.is_not(None))
        .limit(PROTOTYPES_UP_TO + 1)  # beyond it a search does the same for any number
        .subquery()
    )
    enrolled = select(func.count()).select_from(some).scalar_subquery()
    training_id = (
        select(_TRAININGS.c.id)
        .where(
            _TRAININGS.c.collection_id == _COLLECTIONS.c.id,
            _TRAININGS.c.model == _COLLECTIONS.c.model,
        )
        .order_by(_TRAININGS.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    reading = [column for column in _READINGS.c if column.name not in {"collection_id", "model"}]
    return (
        select(
            *_COLLECTIONS.c,
            *reading,
            enrolled.label("enrolled"),
            training_id.label("training_id"),
            func.pg_advisory_xact_lock_shared(result_lock(func.text(_COLLECTION_ID))),
            # Of any collection: there are mostly none at all, and that a small index tells.
            exists().where(_FACES.c.rejected_subject_id.is_not(None)).label("any_rejections"),
        )
        .select_from(
            _COLLECTIONS.outerjoin(
                _READINGS,
                and_(
                    _READINGS.c.collection_id == _COLLECTIONS.c.id,
                    _READINGS.c.model == _COLLECTIONS.c.model,
                ),
            )
        )
        .where(_COLLECTIONS.c.id == _COLLECTION_ID)
    )


def _nearest_prototypes() -> Any:  # noqa: ANN401
    """Share a probe out among the subjects of ``collection_id``: the ``most`` nearest of them.

    Each comes with that of its faces which is nearest to the probe by the ``model``. There are none
    when the collection is not searched by that model any more: its prototypes are another's.
    """
    cosine = 1 - _SUBJECTS.c.prototype.cosine_distance(_PROBE)
    scored = (
        select(
            _SUBJECTS.c.id,
            _SUBJECTS.c.name,
            # One is taken off so that no cosine makes a number too large.
            func.exp(PROTOTYPE_SCALE * (cosine - 1)).label("power"),
        )
        .where(
            _SUBJECTS.c.collection_id == _COLLECTION_ID,
            _SUBJECTS.c.prototype.is_not(None),
            searched_by(_COLLECTION_ID, _MODEL),
        )
        .cte("scored")
    )
    background = bindparam("background", type_=Float())
    total = select(func.sum(scored.c.power) + background).scalar_subquery()
    best = (
        select(scored.c.id, scored.c.name, scored.c.power, (scored.c.power / total).label("share"))
        .order_by(scored.c.power.desc(), scored.c.id)
        .limit(bindparam("most", type_=Integer()))
        .cte("best")
    )
    distance = vector_of(_MODEL).op("<=>", return_type=Float())(_PROBE).label("distance")
    carrier = (
        select(_FACES.c.id.label("face_id"), distance)
        .where(_FACES.c.subject_id == best.c.id, vector_of(_MODEL).is_not(None))
        .order_by(distance, _FACES.c.id)
        .limit(1)
        .lateral("carrier")
    )
    return (
        select(best.c.id, best.c.name, best.c.share, carrier.c.face_id, carrier.c.distance)
        .select_from(best.join(carrier, true()))
        .order_by(best.c.power.desc(), best.c.id)
    )


def _rejections() -> Any:  # noqa: ANN401
    """Find how near the faces are that are known not to be these subjects."""
    distance = vector_of(_MODEL).op("<=>", return_type=Float())(_PROBE)
    return (
        select(_FACES.c.rejected_subject_id, func.min(distance).label("distance"))
        .where(_FACES.c.rejected_subject_id == any_(_SUBJECT_IDS), vector_of(_MODEL).is_not(None))
        .group_by(_FACES.c.rejected_subject_id)
    )


SEARCH_BASIS = _search_basis()
NEAREST_PROTOTYPES = _nearest_prototypes()
REJECTIONS = _rejections()
