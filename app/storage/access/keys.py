from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import exists, insert, or_, select, text, update

from app.domain.access import ApiKey, Scope
from app.storage.tables import ApiKeyRow

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.storage.database.tenancy import TenantSession


#: The key tells whose it is, so it is looked up before there is a tenant: the function answers for
#: one public part at a time, past the policies.
_FIND = text("SELECT * FROM find_api_key(:public_id)")


def _key(row: ApiKeyRow) -> ApiKey:
    values = {field.name: getattr(row, field.name) for field in fields(ApiKey)}
    return ApiKey(**{**values, "scope": Scope(row.scope)})


class SqlKeyRepository:
    """See :class:`app.services.ports.KeyRepository`."""

    def __init__(self, session: TenantSession) -> None:
        self._session = session

    def add(self, key: ApiKey) -> None:
        self._session.execute(insert(ApiKeyRow).values(asdict(key)))

    def find(self, public_id: str) -> ApiKey | None:
        row = self._session.scalar(
            select(ApiKeyRow).from_statement(_FIND), {"public_id": public_id}
        )
        return None if row is None else _key(row)

    def get(self, key_id: UUID) -> ApiKey | None:
        row = self._session.get(ApiKeyRow, key_id)
        return _key(row) if row is not None and self._session.owns(row) else None

    def all(self) -> list[ApiKey]:
        rows = self._session.scalars(
            select(ApiKeyRow)
            .where(self._session.owned(ApiKeyRow))
            .order_by(ApiKeyRow.created_at, ApiKeyRow.id)
        )
        return [_key(row) for row in rows]

    def another_admin(self, key_id: UUID, now: datetime) -> bool:
        live = or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now)
        others = exists().where(
            self._session.owned(ApiKeyRow),
            ApiKeyRow.id != key_id,
            ApiKeyRow.scope == Scope.ADMIN,
            ApiKeyRow.collection_id.is_(None),
            ApiKeyRow.revoked_at.is_(None),
            live,
        )
        return bool(self._session.scalar(select(others)))

    def replace_secret(self, key: ApiKey) -> None:
        self._session.execute(
            update(ApiKeyRow)
            .where(ApiKeyRow.id == key.id)
            .values(
                secret_hash=key.secret_hash,
                previous_secret_hash=key.previous_secret_hash,
                previous_secret_until=key.previous_secret_until,
            )
        )

    def revoke(self, key_id: UUID, at: datetime) -> None:
        self._session.execute(
            update(ApiKeyRow)
            .where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
            .values(revoked_at=at)
        )
