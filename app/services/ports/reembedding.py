"""Changes of a collection's model, and the second vectors of its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.domain.embedding import Embedding
    from app.domain.reembedding import DoubleFace, Reembedding, StoredFace


class ReembeddingRepository(Protocol):
    """Changes of model, and what they write beside the vectors in use."""

    def add(self, reembedding: Reembedding) -> None:
        """Store a change. Raises: ConflictError: the collection has one that has not ended."""

    def get(self, reembedding_id: UUID) -> Reembedding | None:
        """Return the change, or ``None``."""

    def hold(self, reembedding_id: UUID) -> Reembedding | None:
        """Return the change as it is now; it stays so until the transaction ends."""

    def of_job(self, job_id: UUID) -> Reembedding | None:
        """Return the change that a job works on, or ``None``."""

    def page(self, collection_id: UUID, *, limit: int) -> list[Reembedding]:
        """Return a collection's changes, newest first."""

    def update(self, reembedding: Reembedding) -> None:
        """Store where a change stands."""

    def next_faces(
        self, collection_id: UUID, model: str, *, after: UUID | None, limit: int
    ) -> list[StoredFace]:
        """Return faces by id that nobody has tried to embed by the model, with their images."""

    def put_vectors(self, model: str, found: Mapping[UUID, Embedding | None]) -> None:
        """Store second vectors; ``None`` marks a face that the model cannot embed.

        Faces that were deleted meanwhile are left out, and those that somebody is changing.
        """

    def count_left_behind(self, collection_id: UUID, model: str) -> int:
        """Return how many faces have no vector by a model."""

    def left_behind(self, collection_id: UUID, model: str, *, limit: int) -> list[UUID]:
        """Return the ids of faces without a vector by a model, in order."""

    def double_faces(
        self, collection_id: UUID, *, former: str, new: str, limit: int
    ) -> list[DoubleFace]:
        """Return all faces of some subjects by both models, of about so many faces together."""

    def settle(
        self, collection_id: UUID, model: str, *, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Leave faces their vector by a model alone; return which, by id, none when all are so.

        A face without a vector by that model is deleted. Those that somebody is changing are left
        out, and are still there afterwards.
        """

    def is_settled(self, collection_id: UUID, model: str) -> bool:
        """Return whether all faces have a vector by that model alone."""

    def count_faces(self, collection_id: UUID) -> int:
        """Return how many faces there are, with a subject or without."""
