"""What a caller asks of the queue."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domain.job import JobType, Lane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID


#: A verification has two images.
_MOST_AWAITED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A validated wish for a job."""

    type: JobType
    owner_id: UUID
    collection_id: UUID | None = None
    parameters: Mapping[str, Any]
    images: Sequence[bytes] = ()
    #: Whether somebody waits for the answer.
    awaited: bool = False

    @property
    def lane(self) -> Lane:
        """Return the lane: a wait for many images is bulk work all the same."""
        prompt = self.awaited and len(self.images) <= _MOST_AWAITED
        return Lane.INTERACTIVE if prompt else Lane.BULK

    def fingerprint(self) -> bytes:
        """Return a digest that differs for any other request."""
        head = [self.type, str(self.collection_id), self.parameters]
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for image in self.images:
            digest.update(hashlib.sha256(image).digest())
        return digest.digest()
