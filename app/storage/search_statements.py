"""The statements of a search by prototypes, built once: a probe passes through each of them."""

from __future__ import annotations

from typing import Any

from pgvector.sqlalchemy import Vector
from sqlalchemy import Float, Integer, Text, any_, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken

from app.domain.matching import PROTOTYPE_SCALE
from app.storage.tables import FaceRow, SubjectRow

_PROBE = bindparam("probe", type_=Vector())
_SUBJECT_IDS = bindparam("subject_ids", type_=ARRAY(PgUuid()))
_MODEL = bindparam("model", type_=Text())


def _nearest_prototypes() -> Any:  # noqa: ANN401 - SQLAlchemy's types of statements are long
    """Share a probe out among the subjects of ``collection_id``: the ``most`` nearest of them."""
    cosine = 1 - SubjectRow.prototype.cosine_distance(_PROBE)
    scored = (
        select(
            SubjectRow.id,
            SubjectRow.name,
            # One is taken off so that no cosine makes a number too large.
            func.exp(PROTOTYPE_SCALE * (cosine - 1)).label("power"),
        )
        .where(
            SubjectRow.collection_id == bindparam("collection_id", type_=PgUuid()),
            SubjectRow.prototype.is_not(None),
        )
        .cte("scored")
    )
    background = bindparam("background", type_=Float())
    total = select(func.sum(scored.c.power) + background).scalar_subquery()
    return (
        select(scored.c.id, scored.c.name, (scored.c.power / total).label("share"))
        .order_by(scored.c.power.desc())
        .limit(bindparam("most", type_=Integer()))
    )


def _carriers() -> Any:  # noqa: ANN401
    """Find the face of each subject that is nearest to a probe."""
    distance = FaceRow.embedding.cosine_distance(_PROBE).label("distance")
    return (
        select(FaceRow.subject_id, FaceRow.id, distance)
        .ext(distinct_on(FaceRow.subject_id))
        .where(FaceRow.subject_id == any_(_SUBJECT_IDS), FaceRow.model == _MODEL)
        .order_by(FaceRow.subject_id, distance)
    )


def _rejections() -> Any:  # noqa: ANN401
    """Find how near the faces are that are known not to be these subjects."""
    distance = FaceRow.embedding.cosine_distance(_PROBE)
    return (
        select(FaceRow.rejected_subject_id, func.min(distance).label("distance"))
        .where(FaceRow.rejected_subject_id == any_(_SUBJECT_IDS), FaceRow.model == _MODEL)
        .group_by(FaceRow.rejected_subject_id)
    )


NEAREST_PROTOTYPES = _nearest_prototypes()
CARRIERS = _carriers()
REJECTIONS = _rejections()
ANY_REJECTIONS = select(exists().where(FaceRow.rejected_subject_id.is_not(None)))
