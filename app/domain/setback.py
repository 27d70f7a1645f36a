"""What is done in the background, thing by thing, and may fail for one of them."""

from __future__ import annotations

from enum import StrEnum


class Chore(StrEnum):
    """A background loop, or a part of one; its things are known by their ids."""

    #: Jobs whose process was lost are queued again, or given up.
    LEASES = "leases"
    #: Jobs that have waited too long are given up.
    WAITS = "waits"
    #: Messages of jobs that seem lost are put again.
    MESSAGES = "messages"
    #: Jobs past their retention are deleted.
    JOBS = "jobs"
    #: Idempotency keys past their time are forgotten.
    IDEMPOTENCY_KEYS = "idempotency_keys"
    #: Subjects whose consents have ended lose their faces.
    CONSENTS = "consents"
    #: Faces past their retention are erased.
    FACES = "faces"
    #: Webhooks are sent.
    DELIVERIES = "deliveries"
    #: Records of the audit trail are sealed.
    AUDIT = "audit"
    #: Records of the audit trail past their retention are removed.
    AUDIT_RETENTION = "audit_retention"
    #: The bytes of what was erased are taken out of the database's files.
    SCRUB = "scrub"
    #: Faces are embedded by another model.
    REEMBEDDING = "reembedding"
