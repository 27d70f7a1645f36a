"""A CompreFace database, read with the schema of release 1.2.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

from app.domain.compreface import ServiceType
from app.domain.errors import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

_TYPES = {
    "R": ServiceType.RECOGNITION,
    "D": ServiceType.DETECTION,
    "V": ServiceType.VERIFY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceService:
    """A service with its key in clear, as it is stored there."""

    application: str
    name: str
    type: ServiceType
    key: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceExample:
    """An example; its photograph is there only if that installation kept photographs."""

    id: UUID
    subject: str
    has_photograph: bool


class Source:
    """Reads one database, and writes nothing. Raises: ServiceUnavailableError: out of reach."""

    def __init__(self, dsn: str) -> None:
        try:
            self._connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise ServiceUnavailableError(
                "CompreFace's database cannot be reached. Check --dsn and try again."
            ) from error
        self._connection.read_only = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def services(self) -> list[SourceService]:
        """Return every service, by application and name."""
        rows = self._connection.execute(
            "SELECT a.name, m.name, m.type, m.api_key FROM model m JOIN app a ON a.id = m.app_id "
            "ORDER BY a.name, m.name"
        )
        return [
            SourceService(application=application, name=name, type=_TYPES[kind], key=UUID(key))
            for application, name, kind, key in rows
        ]

    def subjects(self, key: UUID) -> list[str]:
        """Return the names of a service's subjects."""
        rows = self._connection.execute(
            "SELECT subject_name FROM subject WHERE api_key = %s ORDER BY subject_name", [str(key)]
        )
        return [name for (name,) in rows]

    def examples(self, key: UUID) -> list[SourceExample]:
        """Return the examples of a service by id, without their photographs."""
        rows = self._connection.execute(
            "SELECT e.id, s.subject_name, e.img_id IS NOT NULL FROM embedding e "
            "JOIN subject s ON s.id = e.subject_id WHERE s.api_key = %s ORDER BY e.id",
            [str(key)],
        )
        return [
            SourceExample(id=one, subject=subject, has_photograph=photograph)
            for one, subject, photograph in rows
        ]

    def photographs(self, examples: list[SourceExample]) -> Iterator[tuple[SourceExample, bytes]]:
        """Yield each example with its photograph, one at a time."""
        for example in examples:
            row = self._connection.execute(
                "SELECT i.content FROM embedding e JOIN img i ON i.id = e.img_id WHERE e.id = %s",
                [example.id],
            ).fetchone()
            if row is not None:
                yield example, bytes(row[0])
