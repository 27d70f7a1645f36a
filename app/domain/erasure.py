"""What an erasure reports, in ids and numbers: a receipt holds no names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


class Erased(StrEnum):
    """What was asked to be erased."""

    FACE = "face"
    SUBJECT = "subject"
    COLLECTION = "collection"
    TENANT = "tenant"
    #: Faces past their collection's retention, and the subjects that had no others.
    EXPIRED_FACES = "expired_faces"
    #: The faces of a subject whose consents have all ended.
    FACES_WITHOUT_CONSENT = "faces_without_consent"
    #: Faces of which the model that a collection has come to has no vector.
    LEFT_BEHIND_FACES = "left_behind_faces"
    #: Everybody in a collection that stays, or everybody's faces; the id is the collection's.
    ALL_SUBJECTS = "all_subjects"
    ALL_FACES = "all_faces"


#: Places that could hold something of a person, and hold ids at most.
HOLD_NOBODY = ("deliveries", "redis", "temporary_files", "logs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredFaces:
    """Faces of one collection that are past its retention."""

    tenant_id: UUID
    collection_id: UUID
    face_ids: Sequence[UUID]
