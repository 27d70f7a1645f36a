from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, and_, exists, func, insert, or_, select, update

from app.domain.consent import Consent, ConsentTerms, EndedConsents
from app.domain.setback import Chore
from app.storage.database.setbacks import not_aside
from app.storage.people.legal_holds import held
from app.storage.tables import CollectionRow, ConsentRow, FaceRow, SubjectRow

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

_TERMS = [field.name for field in fields(ConsentTerms)]


def _consent(row: Any) -> Consent:  # noqa: ANN401 - a row of the table
    return Consent(
        id=row.id,
        subject_id=row.subject_id,
        terms=ConsentTerms(**{name: getattr(row, name) for name in _TERMS}),
        given_at=row.given_at,
        withdrawn_at=row.withdrawn_at,
    )


def _ended(now: datetime) -> ColumnElement[bool]:
    return or_(ConsentRow.withdrawn_at.is_not(None), ConsentRow.expires_at <= now)


class SqlConsentRepository:
    """See :class:`app.services.ports.ConsentRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, consent: Consent) -> None:
        values = asdict(consent)
        self._session.execute(insert(ConsentRow).values(**values.pop("terms"), **values))

    def of_subject(self, subject_id: UUID) -> list[Consent]:
        query = select(ConsentRow).where(ConsentRow.subject_id == subject_id)
        rows = self._session.scalars(
            query.order_by(ConsentRow.id.desc()).execution_options(populate_existing=True)
        )
        return [_consent(row) for row in rows]

    def withdraw(self, subject_id: UUID, *, at: datetime) -> None:
        self._session.execute(
            update(ConsentRow)
            .where(ConsentRow.subject_id == subject_id, ConsentRow.withdrawn_at.is_(None))
            .values(withdrawn_at=at)
        )

    def settle(self, subject_id: UUID, *, now: datetime) -> None:
        self._session.execute(
            update(ConsentRow)
            .where(
                ConsentRow.subject_id == subject_id, ConsentRow.settled_at.is_(None), _ended(now)
            )
            .values(settled_at=now)
        )

    def ended(self, *, now: datetime, limit: int) -> list[EndedConsents]:
        query = (
            select(CollectionRow.tenant_id, SubjectRow.collection_id, SubjectRow.id)
            .distinct()
            .join(CollectionRow, CollectionRow.id == SubjectRow.collection_id)
            .join(ConsentRow, ConsentRow.subject_id == SubjectRow.id)
            .where(
                ConsentRow.settled_at.is_(None),
                _ended(now),
                ~held(SubjectRow.collection_id, SubjectRow.id),
                not_aside(Chore.CONSENTS, SubjectRow.id),
            )
            .order_by(SubjectRow.collection_id, SubjectRow.id)
            .limit(limit)
        )
        return [
            EndedConsents(
                tenant_id=row.tenant_id, collection_id=row.collection_id, subject_id=row.id
            )
            for row in self._session.execute(query)
        ]

    def move(self, subject_id: UUID, into: UUID) -> None:
        self._session.execute(
            update(ConsentRow).where(ConsentRow.subject_id == subject_id).values(subject_id=into)
        )

    def uncovered(self, collection_id: UUID, *, now: datetime) -> tuple[int, int]:
        query = select(
            func.count(FaceRow.subject_id.distinct()),
            func.count().filter(FaceRow.subject_id.is_(None)),
        ).where(
            FaceRow.collection_id == collection_id,
            or_(FaceRow.subject_id.is_(None), ~covered(FaceRow.subject_id, now=now)),
        )
        people, faces = self._session.execute(query).one()
        return people, faces


def covered(subject_id: Any, *, now: datetime) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    """Hold where a subject has a valid consent."""
    consents = cast("Table", ConsentRow.__table__)
    return exists().where(
        and_(
            consents.c.subject_id == subject_id,
            consents.c.withdrawn_at.is_(None),
            or_(consents.c.expires_at.is_(None), consents.c.expires_at > now),
        )
    )
