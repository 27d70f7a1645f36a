"""Who did what, when, to what: the records of the audit trail, and the chain that seals them.

A record holds ids, numbers and words of ours: no name, no image, no vector, no secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID


class Action(StrEnum):
    """What was done, as the kind of its target and a verb. A new action is one more line here."""

    ENROL = "enrolment.submit"
    SEARCH = "recognition.submit"
    VERIFY = "verification.submit"
    DETECT = "detection.submit"
    EMBED = "embedding.submit"
    TRAIN = "training.submit"
    #: Also each time that a change is settled, finished or cancelled.
    REEMBED = "reembedding.submit"
    PAUSE_REEMBEDDING = "reembedding.pause"
    RESUME_REEMBEDDING = "reembedding.resume"
    ACTIVATE_REEMBEDDING = "reembedding.activate"
    ROLL_BACK_REEMBEDDING = "reembedding.roll_back"
    #: Vectors that a caller brought, compared with those of a collection; no job.
    SEARCH_VECTORS = "collection.search"
    CANCEL_JOB = "job.cancel"
    REQUEUE_JOB = "job.requeue"
    DELETE_JOB = "job.delete"
    CREATE_COLLECTION = "collection.create"
    CHANGE_COLLECTION = "collection.change"
    DELETE_COLLECTION = "collection.delete"
    #: All faces, or all subjects with theirs, by CompreFace's API.
    DELETE_FACES = "collection.delete_faces"
    DELETE_SUBJECTS = "collection.delete_subjects"
    CREATE_SUBJECT = "subject.create"
    RENAME_SUBJECT = "subject.rename"
    MERGE_SUBJECT = "subject.merge"
    DELETE_SUBJECT = "subject.delete"
    RELABEL_FACE = "face.relabel"
    READ_PHOTOGRAPH = "face.read_photograph"
    DELETE_FACE = "face.delete"
    READ_PROBE = "job.read_photograph"
    GIVE_CONSENT = "consent.give"
    WITHDRAW_CONSENT = "consent.withdraw"
    #: By itself, with the faces of a subject none of whose consents is valid any more.
    EXPIRE_CONSENT = "consent.expire"
    PLACE_HOLD = "legal_hold.place"
    LIFT_HOLD = "legal_hold.lift"
    EXPIRE_FACES = "face.expire"
    CREATE_KEY = "key.create"
    ROTATE_KEY = "key.rotate"
    REVOKE_KEY = "key.revoke"
    CREATE_ENDPOINT = "endpoint.create"
    CHANGE_ENDPOINT = "endpoint.change"
    ROTATE_ENDPOINT = "endpoint.rotate"
    DELETE_ENDPOINT = "endpoint.delete"
    TEST_ENDPOINT = "endpoint.test"
    REDELIVER = "endpoint.redeliver"
    CREATE_APPLICATION = "application.create"
    RENAME_APPLICATION = "application.rename"
    DELETE_APPLICATION = "application.delete"
    CREATE_SERVICE = "service.create"
    RENAME_SERVICE = "service.rename"
    ROTATE_SERVICE = "service.rotate"
    CLONE_SERVICE = "service.clone"
    DELETE_SERVICE = "service.delete"
    CREATE_TENANT = "tenant.create"
    DELETE_TENANT = "tenant.delete"
    WRITE_BACKUP = "backup.write"
    RESTORE_BACKUP = "backup.restore"
    LIST_ERASURES = "erasures.write"
    EXPORT_AUDIT = "audit.export"
    DENY = "access.deny"


class Verdict(StrEnum):
    """What became of it."""

    DONE = "done"
    #: The key is known, and its secret is wrong, or it has expired or was revoked.
    UNAUTHENTICATED = "unauthenticated"
    #: The key's scope or collection does not reach.
    FORBIDDEN = "forbidden"
    #: It does not exist, or it is another's: the caller does not learn which.
    NOT_FOUND = "not_found"


class ActorKind(StrEnum):
    """What kind of party acts."""

    KEY = "key"
    #: A service of CompreFace's API, by its own key.
    SERVICE = "service"
    COMMAND_LINE = "command_line"
    WORKER = "worker"
    #: The front, before it knows whose request it is.
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; keys and services by their id."""

    kind: ActorKind
    id: UUID | None = None


Detail: TypeAlias = "str | int | bool | Sequence[str]"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One action."""

    id: UUID
    #: Its place in the chain, from 1; none until it is sealed.
    sequence: int | None = None
    #: Ties it to everything before it; none until it is sealed.
    mac: bytes | None = None
    at: datetime
    tenant_id: UUID
    actor: Actor
    action: str
    verdict: str
    target_kind: str
    target_id: UUID | None
    request_id: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """How far the chain goes: its last record, and the last one that was pruned from its start."""

    sequence: int
    mac: bytes
    pruned_sequence: int
    pruned_mac: bytes
    #: Proves that the sealer wrote these four.
    seal: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.mac.hex()}"


class AuditChain:
    """Computes what ties records together; safe to share between threads."""

    _PURPOSE = b"vultus audit chain, version 1"

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), self._PURPOSE, hashlib.sha256)

    def link(self, previous: bytes, sequence: int, record: AuditRecord) -> bytes:
        """Return the code of a record at a place behind the record with the ``previous`` code."""
        return hmac.digest(self._key, previous + _canonical(sequence, record), hashlib.sha256)

    def head(self, last: tuple[int, bytes], pruned: tuple[int, bytes]) -> AuditHead:
        """Return the sealed head of a chain from behind ``pruned`` to ``last``, number and code."""
        written = f"head {last[0]} {last[1].hex()} {pruned[0]} {pruned[1].hex()}"
        return AuditHead(
            sequence=last[0],
            mac=last[1],
            pruned_sequence=pruned[0],
            pruned_mac=pruned[1],
            seal=hmac.digest(self._key, written.encode(), hashlib.sha256),
        )

    def sealed(self, head: AuditHead) -> bool:
        """Return whether a head is one that was sealed with this key."""
        last, pruned = (head.sequence, head.mac), (head.pruned_sequence, head.pruned_mac)
        return hmac.compare_digest(self.head(last, pruned).seal, head.seal)


#: Before the first record.
START = (0, bytes(32))


def _canonical(sequence: int, record: AuditRecord) -> bytes:
    """Write a record in the one way that its code is computed from."""
    fields = [
        sequence,
        str(record.id),
        record.at.astimezone(UTC).isoformat(),
        str(record.tenant_id),
        record.actor.kind,
        str(record.actor.id),
        record.action,
        record.verdict,
        record.target_kind,
        str(record.target_id),
        record.request_id,
        record.details,
    ]
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
