"""What must not be erased because it is still needed as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """A hold on a subject, or on a collection with everyone in it."""

    id: UUID
    collection_id: UUID
    #: Absent where the whole collection is held.
    subject_id: UUID | None
    #: The operator's own name of the case, a code.
    reference: str
    #: The API key that placed it.
    placed_by: UUID
    placed_at: datetime
