from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.domain.collection import Subject
from app.domain.errors import ConflictError, InvalidRequestError, ModelChangedError
from app.domain.identity import new_id
from app.domain.matching import SubjectShare
from app.domain.naming import spellings, subject_name
from app.storage.people.consents import covered
from app.storage.people.faces import cosine
from app.storage.search.statements import NEAREST_PROTOTYPES, searched_by, vector_of
from app.storage.tables import CollectionRow, FaceRow, SubjectRow

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.domain.embedding import Embedding


def _subjects() -> Select[*tuple[Any, ...]]:
    faces = (
        select(func.count())
        .where(FaceRow.subject_id == SubjectRow.id)
        .correlate(SubjectRow)
        .scalar_subquery()
    )
    return select(
        SubjectRow.id,
        SubjectRow.collection_id,
        SubjectRow.name,
        SubjectRow.created_at,
        faces.label("face_count"),
    )


def _new_name(text: str) -> str:
    try:
        return subject_name(text)
    except ValueError as error:
        raise InvalidRequestError(f"The name of the subject cannot be used. {error}") from error


class SqlSubjectRepository:
    """See :class:`app.services.ports.SubjectRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        #: Counted in this transaction: the jobs of a batch mostly ask for the same.
        self._enrolled: dict[tuple[UUID, int, frozenset[UUID]], int] = {}

    def lock_name(self, collection_id: UUID, name: str) -> None:
        spelt = func.concat(str(collection_id), func.lower(name))
        self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(spelt, 0))))

    def ensure(self, collection_id: UUID, name: str) -> Subject:
        subject = self.find(collection_id, name)
        if subject is not None:
            return subject
        new = _new_name(name)
        self._session.execute(
            insert(SubjectRow)
            .values(id=new_id(), collection_id=collection_id, name=new, created_at=func.now())
            .on_conflict_do_nothing(index_elements=["collection_id", "name"])
        )
        subject = self.find(collection_id, new)
        if subject is None:  # deleted between the two statements
            raise ConflictError("The subject was just deleted. Send the request again.")
        return subject

    def get(self, subject_id: UUID) -> Subject | None:
        return self._one(_subjects().where(SubjectRow.id == subject_id))

    def find(self, collection_id: UUID, name: str) -> Subject | None:
        spelt = spellings(name)
        return self._called(collection_id, SubjectRow.name.in_(spelt), spelt)

    def find_folded(self, collection_id: UUID, name: str) -> Subject | None:
        spelt = spellings(name)
        folded = func.lower(SubjectRow.name).in_([func.lower(one) for one in spelt])
        return self._called(collection_id, folded, spelt)

    def names(self, collection_id: UUID) -> list[str]:
        query = select(SubjectRow.name).where(SubjectRow.collection_id == collection_id)
        return list(self._session.scalars(query.order_by(SubjectRow.name)))

    def page(
        self,
        collection_id: UUID,
        *,
        after: str | None,
        limit: int,
        only: UUID | None = None,
        without_consent_at: datetime | None = None,
    ) -> list[Subject]:
        query = _subjects().where(SubjectRow.collection_id == collection_id)
        if only is not None:
            query = query.where(SubjectRow.id == only)
        if after is not None:
            query = query.where(SubjectRow.name > after)
        if without_consent_at is not None:
            query = query.where(~covered(SubjectRow.id, now=without_consent_at))
        rows = self._session.execute(query.order_by(SubjectRow.name).limit(limit))
        return [Subject(**row._mapping) for row in rows]  # noqa: SLF001 - public in SQLAlchemy

    def nearest(
        self, probe: Embedding, collection_id: UUID, *, background: float, limit: int
    ) -> list[SubjectShare]:
        rows = self._session.execute(
            NEAREST_PROTOTYPES,
            {
                "probe": list(probe.vector),
                "collection_id": collection_id,
                "background": background,
                "most": limit,
                "model": probe.model,
            },
        ).all()
        if not rows and not self._is_searched_by(collection_id, probe.model):
            raise ModelChangedError
        return [
            SubjectShare(
                subject_id=row.id,
                subject=row.name,
                share=row.share,
                face_id=row.face_id,
                similarity=cosine(row.distance),
            )
            for row in rows
        ]

    def prototypes(self, collection_id: UUID, model: str) -> list[tuple[UUID, Sequence[float]]]:
        rows = self._session.execute(
            select(SubjectRow.id, SubjectRow.prototype).where(
                SubjectRow.collection_id == collection_id,
                SubjectRow.prototype.is_not(None),
                searched_by(collection_id, model),
            )
        ).all()
        if not rows and not self._is_searched_by(collection_id, model):
            raise ModelChangedError
        return [(row.id, row.prototype) for row in rows]

    def refresh_prototypes(self, collection_id: UUID) -> None:
        own = SubjectRow.collection_id == collection_id
        # Some seconds for hundreds of thousands of faces; searches go on meanwhile.
        self._session.execute(text("SET LOCAL statement_timeout = '10min'"))
        # First, and in this order, as the triggers do it.
        self._session.execute(
            select(SubjectRow.id).where(own).order_by(SubjectRow.id).with_for_update(key_share=True)
        )
        model = select(CollectionRow.model).where(CollectionRow.id == collection_id)
        mean = (
            select(func.l2_normalize(func.avg(vector_of(model.scalar_subquery()))))
            .where(FaceRow.subject_id == SubjectRow.id)
            .correlate(SubjectRow)
            .scalar_subquery()
        )
        self._session.execute(update(SubjectRow).where(own).values(prototype=mean))

    def _is_searched_by(self, collection_id: UUID, model: str) -> bool:
        return bool(self._session.scalar(select(searched_by(collection_id, model))))

    def count_enrolled(self, collection_id: UUID, *, up_to: int, but: Iterable[UUID] = ()) -> int:
        key = collection_id, up_to, frozenset(but)
        if key not in self._enrolled:
            query = select(literal(1)).where(
                SubjectRow.collection_id == collection_id, SubjectRow.prototype.is_not(None)
            )
            if but:
                query = query.where(SubjectRow.id.not_in(but))
            some = query.limit(up_to).subquery()
            self._enrolled[key] = self._session.scalar(select(func.count()).select_from(some)) or 0
        return self._enrolled[key]

    def lock_enrolled(self, collection_id: UUID) -> set[UUID]:
        return set(
            self._session.scalars(
                select(SubjectRow.id)
                .where(SubjectRow.collection_id == collection_id, SubjectRow.prototype.is_not(None))
                .order_by(SubjectRow.id)
                .with_for_update(read=True)
            )
        )

    def rename(self, subject_id: UUID, name: str) -> None:
        try:
            self._session.execute(
                update(SubjectRow).where(SubjectRow.id == subject_id).values(name=_new_name(name))
            )
        except IntegrityError as error:
            raise ConflictError(
                "A subject of this name exists in the collection. Choose another name."
            ) from error

    def merge(self, subject_id: UUID, into: UUID) -> None:
        for column in (FaceRow.subject_id, FaceRow.rejected_subject_id):
            self._session.execute(
                update(FaceRow).where(column == subject_id).values({column: into})
            )
        self._session.execute(delete(SubjectRow).where(SubjectRow.id == subject_id))

    def ids(self, collection_id: UUID) -> list[UUID]:
        query = select(SubjectRow.id).where(SubjectRow.collection_id == collection_id)
        return list(self._session.scalars(query))

    def _called(
        self, collection_id: UUID, so: ColumnElement[bool], spelt: Sequence[str]
    ) -> Subject | None:
        """Return the subject that is called so, by preference as the first spelling says."""
        if not spelt:
            return None
        query = _subjects().where(SubjectRow.collection_id == collection_id, so)
        exact = [SubjectRow.name != one for one in spelt]
        return self._one(query.order_by(*exact, SubjectRow.id).limit(1))

    def _one(self, query: Select[*tuple[Any, ...]]) -> Subject | None:
        row = self._session.execute(query).one_or_none()
        return None if row is None else Subject(**row._mapping)  # noqa: SLF001
