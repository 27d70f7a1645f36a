from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.domain.collection import Collection
from app.domain.errors import ConflictError
from app.domain.matching import Matcher
from app.domain.naming import spellings
from app.domain.quality import QualityGate
from app.storage.people.copy_people import copies
from app.storage.tables import CollectionRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Executable
    from sqlalchemy.sql.selectable import ForUpdateParameter

    from app.storage.database.tenancy import TenantSession


def collection_of(row: Any) -> Collection:  # noqa: ANN401 - whatever has the columns
    """Return a row as the domain knows it."""
    values = {field.name: getattr(row, field.name) for field in fields(Collection)}
    return Collection(
        **{
            **values,
            "matcher": Matcher(row.matcher),
            "quality_gate": QualityGate(row.quality_gate),
        }
    )


class SqlCollectionRepository:
    """See :class:`app.services.ports.CollectionRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session
        #: Read in this transaction: the jobs of a batch mostly ask for the same one.
        self._known: dict[UUID, Collection] = {}

    def add(self, collection: Collection) -> None:
        self._write(insert(CollectionRow).values(asdict(collection)))

    def get(self, collection_id: UUID) -> Collection | None:
        if collection_id not in self._known:
            row = self._session.get(CollectionRow, collection_id)
            if row is None or not self._session.owns(row):
                return None
            self._known[collection_id] = collection_of(row)
        return self._known[collection_id]

    def lock(self, collection_id: UUID) -> Collection | None:
        # What a new face takes anyway, for its reference.
        return self._lock(collection_id, {"read": True, "key_share": True})

    def lock_alone(self, collection_id: UUID) -> Collection | None:
        return self._lock(collection_id, True)  # noqa: FBT003 - SQLAlchemy's

    def _lock(self, collection_id: UUID, lock: ForUpdateParameter) -> Collection | None:
        self._known.pop(collection_id, None)
        row = self._session.get(
            CollectionRow,
            collection_id,
            populate_existing=True,
            with_for_update=lock,
        )
        if row is None or not self._session.owns(row):
            return None
        self._known[collection_id] = collection_of(row)
        return self._known[collection_id]

    def find(self, name: str) -> Collection | None:
        spelt = spellings(name)
        if not spelt:
            return None
        row = self._session.scalar(
            select(CollectionRow)
            .where(self._session.owned(CollectionRow), CollectionRow.name.in_(spelt))
            .order_by(CollectionRow.name != name)
            .limit(1)
        )
        return None if row is None else collection_of(row)

    def page(self, *, after: str | None, only: UUID | None, limit: int) -> list[Collection]:
        query = select(CollectionRow).where(self._session.owned(CollectionRow))
        query = query.order_by(CollectionRow.name).limit(limit)
        if after is not None:
            query = query.where(CollectionRow.name > after)
        if only is not None:
            query = query.where(CollectionRow.id == only)
        return [collection_of(row) for row in self._session.scalars(query)]

    def update(self, collection: Collection) -> None:
        changes = asdict(collection)
        key = changes.pop("id")
        self._known.pop(key, None)
        self._write(update(CollectionRow).where(CollectionRow.id == key).values(changes))

    def copy_people(self, source: UUID, target: UUID) -> None:
        for statement in copies(source, target):
            self._session.execute(statement)

    def names_by_model(self) -> dict[str, list[str]]:
        rows = self._session.execute(
            select(CollectionRow.model, CollectionRow.name).order_by(CollectionRow.name)
        )
        names: dict[str, list[str]] = {}
        for model, name in rows:
            names.setdefault(model, []).append(name)
        return names

    def _write(self, statement: Executable) -> None:
        try:
            self._session.execute(statement)
        except IntegrityError as error:
            raise ConflictError(
                "A collection of this name exists. Use it or choose another name."
            ) from error
