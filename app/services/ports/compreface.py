"""Applications and services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from app.domain.compreface import Application, Service


class ApplicationRepository(Protocol):
    """Applications."""

    def ensure(self, name: str) -> tuple[Application, bool]:
        """Return the application of that name, and whether it was made for this."""

    def add(self, application: Application) -> None:
        """Store an application. Raises: ConflictError: there is one of that name."""

    def rename(self, application_id: UUID, name: str) -> None:
        """Give it another name. Raises: ConflictError: there is one of that name."""

    def get(self, application_id: UUID) -> Application | None:
        """Return the application, or ``None``."""

    def all(self) -> list[Application]:
        """Return every application, oldest first."""

    def delete(self, application_id: UUID) -> None:
        """Remove an application; its services have to be removed before."""


class ServiceRepository(Protocol):
    """The services of applications."""

    def add(self, service: Service) -> None:
        """Store a service. Raises: ConflictError: the application has one of that name."""

    def get(self, service_id: UUID) -> Service | None:
        """Return the service, or ``None``."""

    def find(self, key_hash: bytes) -> Service | None:
        """Return the service with that key, or ``None``."""

    def update(self, service: Service) -> None:
        """Store another name or key. Raises: ConflictError: the application has the name."""

    def count_call(self, service_id: UUID, day: date) -> None:
        """Count one more call of that day."""

    def calls(self, service_id: UUID, *, since: date) -> list[tuple[date, int]]:
        """Return the days with calls and how many each had, newest first."""

    def page(self, application_id: UUID) -> list[Service]:
        """Return the services of an application, oldest first."""

    def delete(self, service_id: UUID) -> None:
        """Remove a service; its collection has to be removed by itself."""
