"""The rows, and nothing else."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC, Vector
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    FetchedValue,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    cast,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Vector sizes that have an index of their own.
INDEXED_DIMENSIONS = (128, 512)


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can drop it, and types every column."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSON(none_as_null=True),
        bytes: LargeBinary(),
        float: Float(),
    }


class TenantRow(Base):
    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class TenantOwned:
    """A row is its transaction's tenant's, by the column's default; without one, the default's."""

    tenant_id: Mapped[UUID] = mapped_column(server_default=FetchedValue())


class TenantBound(TenantOwned):
    """A row that goes with its tenant's. Where rows are many, each would lock the tenant's."""

    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenants.id", ondelete="CASCADE"), server_default=FetchedValue()
    )


class CollectionRow(TenantBound, Base):
    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    model: Mapped[str]
    #: The model of the vectors beside those in use, while there are such.
    second_model: Mapped[str | None]
    matcher: Mapped[str]
    target_fpir: Mapped[float]
    similarity_threshold: Mapped[float | None]
    possible_threshold: Mapped[float | None]
    quality_gate: Mapped[str]
    keep_images: Mapped[bool]
    retention_days: Mapped[int | None]
    require_consent: Mapped[bool] = mapped_column(server_default=text("false"))
    keep_probes: Mapped[bool] = mapped_column(server_default=text("false"))
    job_retention_h: Mapped[int | None]
    created_at: Mapped[datetime]


class SubjectRow(Base):
    __tablename__ = "subjects"
    __table_args__ = (
        UniqueConstraint("collection_id", "name"),
        Index("ix_subjects_folded_name", "collection_id", text("lower(name)")),
        # Every identification asks how many there are; this way no prototype is read for it.
        Index(
            "ix_subjects_enrolled", "collection_id", postgresql_where=text("prototype IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    name: Mapped[str]
    #: The mean of its faces' embeddings, scaled to length 1; kept by a trigger.
    prototype: Mapped[list[float] | None] = mapped_column(Vector())
    created_at: Mapped[datetime]


class ConsentRow(Base):
    __tablename__ = "consents"
    __table_args__ = (
        Index(
            "ix_consents_expires_at",
            "expires_at",
            postgresql_where=text("settled_at IS NULL AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_consents_withdrawn_at",
            "withdrawn_at",
            postgresql_where=text("settled_at IS NULL AND withdrawn_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str]
    text_version: Mapped[str]
    reference: Mapped[str | None]
    given_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    #: When its end was acted upon, so that nobody looks at it again.
    settled_at: Mapped[datetime | None]


class LegalHoldRow(Base):
    __tablename__ = "legal_holds"
    __table_args__ = (
        Index(
            "uq_legal_holds_collection_id",
            "collection_id",
            unique=True,
            postgresql_where=text("subject_id IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="RESTRICT"))
    #: Absent where the whole collection is held.
    subject_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("subjects.id", ondelete="RESTRICT"), unique=True
    )
    reference: Mapped[str]
    #: No foreign key: a hold outlives the key that placed it.
    placed_by: Mapped[UUID]
    placed_at: Mapped[datetime]


class ApiKeyRow(TenantBound, Base):
    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    public_id: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes]
    previous_secret_hash: Mapped[bytes | None]
    previous_secret_until: Mapped[datetime | None]
    scope: Mapped[str]
    collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApplicationRow(TenantBound, Base):
    __tablename__ = "applications"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class ServiceRow(TenantBound, Base):
    __tablename__ = "services"
    __table_args__ = (UniqueConstraint("application_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"))
    name: Mapped[str]
    type: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]


class ServiceCallsRow(Base):
    __tablename__ = "service_calls"
    __table_args__ = (PrimaryKeyConstraint("service_id", "day"),)

    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id", ondelete="CASCADE"))
    #: In UTC.
    day: Mapped[date]
    calls: Mapped[int]


class JobRow(TenantOwned, Base):
    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')",
            name="state",
        ),
        Index("ix_jobs_listing", "tenant_id", "created_at", "id"),
        Index("ix_jobs_queued", "created_at", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_turn", "lane", "turn", "id", postgresql_where=text("state = 'queued'")),
        Index(
            "ix_jobs_tenant_turn",
            "tenant_id",
            "lane",
            "turn",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_jobs_publish_at", "publish_at", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_lease_until", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str]
    state: Mapped[str]
    #: No foreign key: a job outlives the key that submitted it.
    owner_id: Mapped[UUID | None] = mapped_column(index=True)
    collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), index=True
    )
    parameters: Mapped[dict[str, Any]]
    #: A lower lane goes first: app.domain.job.Lane.
    lane: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    #: Its place in its lane, in images: see app/docs/decisions/0015.
    turn: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    done: Mapped[int]
    total: Mapped[int]
    attempt: Mapped[int]
    losses: Mapped[int]
    excused: Mapped[int] = mapped_column(server_default=text("0"))
    claimed_by: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    publish_at: Mapped[datetime]
    publishes: Mapped[int]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    requeued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class ImageRow(TenantOwned, Base):
    __tablename__ = "images"
    __table_args__ = (Index("ix_images_job_id", "job_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The job that still needs the image; none once only faces refer to it.
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int]
    #: The photograph, sealed unless it was stored before there were keys.
    data: Mapped[bytes]
    sealed: Mapped[bool] = mapped_column(server_default=text("false"))


class ImageKeyRow(TenantOwned, Base):
    __tablename__ = "image_keys"

    image_id: Mapped[UUID] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[bytes]


class FaceRow(Base):
    __tablename__ = "faces"
    __table_args__ = (
        UniqueConstraint("job_id", "image_number"),
        Index("ix_faces_collection_id", "collection_id", "model"),
        Index("ix_faces_listing", "collection_id", "id"),
        Index("ix_faces_subject_id", "subject_id"),
        Index(
            "ix_faces_rejected_subject_id",
            "rejected_subject_id",
            postgresql_where=text("rejected_subject_id IS NOT NULL"),
        ),
        Index("ix_faces_image_id", "image_id"),
        Index("ix_faces_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    subject_id: Mapped[UUID | None] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    #: Whom somebody has said that the face does not show.
    rejected_subject_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE")
    )
    #: No foreign key: a face outlives the job that enrolled it. With the image's number it is
    #: unique, so a job that runs twice cannot enrol twice.
    job_id: Mapped[UUID]
    image_number: Mapped[int]
    image_id: Mapped[UUID | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"))
    #: x_min, y_min, x_max, y_max
    box: Mapped[list[float]] = mapped_column(ARRAY(Float))
    #: x and y of the five points in MTCNN's order
    landmarks: Mapped[list[float]] = mapped_column(ARRAY(Float))
    confidence: Mapped[float]
    model: Mapped[str]
    embedding: Mapped[list[float]] = mapped_column(Vector())
    #: By another model, while the collection changes its own; ``search_statements.vector_of`` tells
    #: which of the two counts. A model without a vector: by this one the face cannot be embedded.
    second_model: Mapped[str | None]
    second_embedding: Mapped[list[float] | None] = mapped_column(Vector())
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


for _dimension in INDEXED_DIMENSIONS:
    Index(
        f"ix_faces_halves_{_dimension}",
        cast(FaceRow.embedding, HALFVEC(_dimension)).label("halves"),
        postgresql_using="hnsw",
        postgresql_with={"ef_construction": 200},
        postgresql_ops={"halves": "halfvec_cosine_ops"},
        postgresql_where=func.vector_dims(FaceRow.embedding) == text(str(_dimension)),
    )


class ReadingRow(Base):
    __tablename__ = "readings"

    collection_id: Mapped[UUID] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    )
    tail_start: Mapped[float]
    tail_mean: Mapped[float]
    slope: Mapped[float]
    intercept: Mapped[float]
    subjects: Mapped[int]
    #: Whose prototypes were read.
    model: Mapped[str | None]


class ReembeddingRow(Base):
    __tablename__ = "reembeddings"
    __table_args__ = (
        Index(
            "ix_reembeddings_open",
            "collection_id",
            unique=True,
            postgresql_where=text("state NOT IN ('finished', 'cancelled')"),
        ),
        Index("ix_reembeddings_collection_id", "collection_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    #: No foreign key: it outlives the job.
    job_id: Mapped[UUID] = mapped_column(unique=True)
    model: Mapped[str]
    former_model: Mapped[str]
    state: Mapped[str]
    activate: Mapped[bool]
    drop_faces_without_photograph: Mapped[bool]
    other_similarity_threshold: Mapped[float | None]
    other_possible_threshold: Mapped[float | None]
    cursor: Mapped[UUID | None]
    report: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]


class TrainingRow(Base):
    __tablename__ = "trainings"
    __table_args__ = (UniqueConstraint("collection_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    model: Mapped[str]
    version: Mapped[int]
    subject_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PgUuid(as_uuid=True)))
    face_count: Mapped[int]
    weights: Mapped[bytes]
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class EndpointRow(TenantBound, Base):
    __tablename__ = "endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    signing_key: Mapped[str | None]
    previous_signing_key: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    owner_id: Mapped[UUID | None] = mapped_column(index=True)
    enabled: Mapped[bool]
    disabled_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    throttled_until: Mapped[datetime | None]
    #: The number of the last event.
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_endpoint_id", "endpoint_id", "created_at", "id"),
        Index(
            "ix_deliveries_next_attempt_at",
            "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_deliveries_pending",
            "endpoint_id",
            "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("endpoints.id", ondelete="CASCADE"))
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempt: Mapped[int]
    schedule_start: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class AttemptRow(Base):
    __tablename__ = "attempts"
    __table_args__ = (PrimaryKeyConstraint("delivery_id", "number"),)

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime]
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    retry_after_s: Mapped[int | None]
    duration_ms: Mapped[int]


class PulseRow(Base):
    __tablename__ = "pulses"

    part: Mapped[str] = mapped_column(primary_key=True)
    left_at: Mapped[datetime]


class IdempotencyKeyRow(TenantOwned, Base):
    __tablename__ = "idempotency_keys"
    __table_args__ = (PrimaryKeyConstraint("owner_id", "route", "key"),)

    owner_id: Mapped[UUID]
    route: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[bytes]
    job_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class ErasureRow(Base):
    """Something that was deleted; a restored backup forgets it again."""

    __tablename__ = "erasures"
    __table_args__ = (
        PrimaryKeyConstraint("kind", "id"),
        Index(
            "ix_erasures_pending",
            "at",
            postgresql_where=text("gone_at IS NULL OR gone_at = 'infinity'"),
        ),
    )

    kind: Mapped[str]
    id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    #: When a scrub had taken its bytes out of the database's files; infinity while one is at it.
    gone_at: Mapped[datetime | None]


class AuditRow(TenantOwned, Base):
    """What was done. Rows are sealed once and then never change: triggers see to that."""

    __tablename__ = "audit_records"
    __table_args__ = (
        Index("ix_audit_records_listing", "tenant_id", "id"),
        Index("ix_audit_records_unsealed", "id", postgresql_where=text("sequence IS NULL")),
        Index(
            "ix_audit_records_sequence",
            "sequence",
            unique=True,
            postgresql_where=text("sequence IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    mac: Mapped[bytes | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    verdict: Mapped[str]
    target_kind: Mapped[str]
    target_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]]


class AuditHeadRow(Base):
    __tablename__ = "audit_heads"

    #: There is one.
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[bytes]
    pruned_sequence: Mapped[int] = mapped_column(BigInteger)
    pruned_mac: Mapped[bytes]
    seal: Mapped[bytes]
