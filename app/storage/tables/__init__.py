"""The rows, and nothing else."""

from __future__ import annotations

from app.storage.tables.access import ApiKeyRow, ApplicationRow, ServiceCallsRow, ServiceRow
from app.storage.tables.base import Base, TenantBound, TenantOwned, TenantRow
from app.storage.tables.jobs import IdempotencyKeyRow, ImageKeyRow, ImageRow, JobRow, PulseRow
from app.storage.tables.people import (
    INDEXED_DIMENSIONS,
    CollectionRow,
    ConsentRow,
    FaceRow,
    LegalHoldRow,
    ReadingRow,
    ReembeddingRow,
    SubjectRow,
    TrainingRow,
)
from app.storage.tables.records import AuditHeadRow, AuditRow, ErasureRow, SetbackRow
from app.storage.tables.webhooks import AttemptRow, DeliveryRow, EndpointRow

__all__ = [
    "INDEXED_DIMENSIONS",
    "ApiKeyRow",
    "ApplicationRow",
    "AttemptRow",
    "AuditHeadRow",
    "AuditRow",
    "Base",
    "CollectionRow",
    "ConsentRow",
    "DeliveryRow",
    "EndpointRow",
    "ErasureRow",
    "FaceRow",
    "IdempotencyKeyRow",
    "ImageKeyRow",
    "ImageRow",
    "JobRow",
    "LegalHoldRow",
    "PulseRow",
    "ReadingRow",
    "ReembeddingRow",
    "ServiceCallsRow",
    "ServiceRow",
    "SetbackRow",
    "SubjectRow",
    "TenantBound",
    "TenantOwned",
    "TenantRow",
    "TrainingRow",
]
