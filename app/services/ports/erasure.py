"""The ports that erase people from everything that knows them, and report it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.erasure import ExpiredFaces
    from app.domain.job import Job


class ErasureRepository(Protocol):
    """Deletions that reach every table, each answered with the rows that went by kind.

    They wait for the searches that are writing their results, and those that come later wait for
    them, so that no result names the erased.
    """

    def people(
        self,
        collection_id: UUID,
        *,
        subject_ids: Sequence[UUID] = (),
        face_ids: Sequence[UUID] = (),
        emptied: bool = False,
    ) -> Mapping[str, int]:
        """Erase subjects with their faces, and faces alone, from a collection.

        Jobs whose results name them or that would enrol them go too, whatever their state: what
        is still running loses its claim. With ``emptied``, a subject goes with its last face.
        """

    def collection(self, collection_id: UUID) -> Mapping[str, int]:
        """Erase a collection with all that is in it and all its jobs."""

    def tenant(self, tenant_id: UUID) -> Mapping[str, int]:
        """Erase a tenant with all that it has."""

    def expired(self, *, now: datetime, limit: int) -> list[ExpiredFaces]:
        """Return faces past their collections' retention, by collection."""

    def record(self, receipt: Job) -> Job:
        """Store a job that has ended already, and return it as it is stored."""


class Scrub(Protocol):
    """Takes the bytes of what was erased out of the database's files."""

    def oldest(self) -> datetime | None:
        """Return when the first of what waits for a scrub was erased; ``None`` if nothing does."""

    def run(self) -> int:
        """Scrub, and note it on receipts; return how many erasures it was for.

        0 also where another process is at it. Raises: ConfigurationError: Postgres does not let it.
        ServiceUnavailableError: something is in its way now.
        """
