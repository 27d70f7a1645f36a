"""What a caller asks of the queue."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.backlog import Lane
from app.domain.documents import stated
from app.domain.job import JobType, type_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.job_parameters import JobParameters


#: A verification has two images.
_MOST_AWAITED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A validated request for a job."""

    parameters: JobParameters
    owner_id: UUID
    collection_id: UUID | None = None
    images: Sequence[bytes] = ()
    #: Whether the caller waits for the answer.
    awaited: bool = False

    @property
    def type(self) -> JobType:
        """What it asks for, as its parameters tell."""
        return type_of(self.parameters)

    @property
    def lane(self) -> Lane:
        """Return the lane: a wait for many images is bulk work all the same."""
        prompt = self.awaited and len(self.images) <= _MOST_AWAITED
        return Lane.INTERACTIVE if prompt else Lane.BULK

    def fingerprint(self) -> bytes:
        """Return a digest that differs for any other request.

        It is kept with idempotency keys, so that a version must not change it for what the version
        before has taken.
        """
        head = [self.type, str(self.collection_id), stated(self.parameters)]
        digest = hashlib.sha256(json.dumps(head, sort_keys=True, default=_text).encode())
        for image in self.images:
            digest.update(hashlib.sha256(image).digest())
        return digest.digest()


def _text(value: object) -> str:
    """Write what JSON has no form for; a moment as RFC 3339 has it, with ``Z`` for UTC."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
