"""What was set aside because it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.setback import Chore


class SetbackRepository(Protocol):
    """Things that background loops leave out for a while. Without a thing, the chore as a whole."""

    def add(self, chore: Chore, item: UUID | None, *, fault: str) -> None:
        """Set a thing aside, for twice as long as the last time; ``fault`` is an error's kind."""

    def clear(self, chore: Chore, items: Sequence[UUID | None]) -> bool:
        """Forget the setbacks of things that succeeded; tell whether there were any."""

    def forget_old(self) -> None:
        """Forget what is not tried any more: it was deleted, or is a delivery that has ended."""

    def counts(self) -> Mapping[str, int]:
        """Return how many things each chore has set aside, of all tenants; none with 0."""
