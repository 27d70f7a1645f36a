from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.storage.tables import IdempotencyKeyRow as Row

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session


class SqlIdempotencyRepository:
    """See :class:`app.services.ports.IdempotencyRepository`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def remember(
        self,
        *,
        owner_id: UUID,
        route: str,
        key: str,
        fingerprint: bytes,
        job_id: UUID,
    ) -> tuple[bytes, UUID]:
        # The insert waits for a concurrent transaction with the same key, so the row that is read
        # afterwards is the committed one.
        self._session.execute(
            insert(Row)
            .values(owner_id=owner_id, route=route, key=key, fingerprint=fingerprint, job_id=job_id)
            .on_conflict_do_nothing()
        )
        stored = self.find(owner_id=owner_id, route=route, key=key)
        if stored is None:
            raise LookupError("An idempotency key expired while it was stored.")
        return stored

    def find(self, *, owner_id: UUID, route: str, key: str) -> tuple[bytes, UUID] | None:
        stored = self._session.execute(
            select(Row.fingerprint, Row.job_id).where(
                Row.owner_id == owner_id, Row.route == route, Row.key == key
            )
        ).one_or_none()
        return None if stored is None else (stored.fingerprint, stored.job_id)

    def delete_before(self, moment: datetime) -> int:
        rows = self._session.execute(
            delete(Row).where(Row.created_at < moment).returning(Row.job_id)
        )
        return len(rows.all())
