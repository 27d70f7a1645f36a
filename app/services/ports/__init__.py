"""What the services need of the outside; adapters live in storage, messaging and webhooks."""

from __future__ import annotations

from app.services.ports.access import KeyRepository, TenantRepository
from app.services.ports.audit import AuditTrail
from app.services.ports.classifiers import Classifiers, SubjectClassifier
from app.services.ports.compreface import ApplicationRepository, ServiceRepository
from app.services.ports.erasure import ErasureRepository, Scrub
from app.services.ports.jobs import (
    BacklogRepository,
    IdempotencyRepository,
    JobBell,
    JobQueue,
    JobRepository,
    LateJobRepository,
)
from app.services.ports.matching import (
    Reembedder,
    ReembeddingRepository,
    SearchRepository,
    StrangerCohort,
    TrainingRepository,
)
from app.services.ports.people import (
    CollectionRepository,
    ConsentRepository,
    FaceRepository,
    LegalHoldRepository,
    SubjectRepository,
)
from app.services.ports.setbacks import SetbackRepository
from app.services.ports.webhooks import DeliveryRepository, EndpointRepository, WebhookSender
from app.services.ports.work import (
    Clock,
    Pulses,
    TenantUnitOfWorkFactory,
    UnitOfWork,
    UnitOfWorkFactory,
)

__all__ = [
    "ApplicationRepository",
    "AuditTrail",
    "BacklogRepository",
    "Classifiers",
    "Clock",
    "CollectionRepository",
    "ConsentRepository",
    "DeliveryRepository",
    "EndpointRepository",
    "ErasureRepository",
    "FaceRepository",
    "IdempotencyRepository",
    "JobBell",
    "JobQueue",
    "JobRepository",
    "KeyRepository",
    "LateJobRepository",
    "LegalHoldRepository",
    "Pulses",
    "Reembedder",
    "ReembeddingRepository",
    "Scrub",
    "SearchRepository",
    "ServiceRepository",
    "SetbackRepository",
    "StrangerCohort",
    "SubjectClassifier",
    "SubjectRepository",
    "TenantRepository",
    "TenantUnitOfWorkFactory",
    "TrainingRepository",
    "UnitOfWork",
    "UnitOfWorkFactory",
    "WebhookSender",
]
