"""Collections, and the people and faces in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC, Vector
from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint, cast, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base, TenantBound

#: Vector sizes that have an index of their own.
INDEXED_DIMENSIONS = (128, 512)


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
    #: When its end was acted upon, so that no sweep looks at it again.
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
