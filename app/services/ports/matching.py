"""What is fitted to a collection, and what it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.collection import SearchBasis
    from app.domain.embedding import Embedding
    from app.domain.matching import ShareReading
    from app.domain.reembedding import (
        DoubleFace,
        ModelFigures,
        Reembedding,
        SettledFaces,
        StoredFace,
    )
    from app.domain.training import Training


class TrainingRepository(Protocol):
    """The versions of a collection's trained matcher."""

    def add(self, training: Training) -> None:
        """Store a version, which is thereby the one in use."""

    def prune(self, collection_id: UUID, model: str, *, keep: int) -> None:
        """Delete all versions for a model but the newest."""

    def delete_others(self, collection_id: UUID, model: str) -> None:
        """Delete the versions for every other model."""

    def next_version(self, collection_id: UUID) -> int:
        """Return the number of the version to come."""

    def active_id(self, collection_id: UUID, model: str) -> UUID | None:
        """Return the id of the version in use, or ``None``."""

    def get(self, training_id: UUID) -> Training | None:
        """Return a version with its weights, or ``None``."""

    def page(self, collection_id: UUID, *, limit: int) -> list[Training]:
        """Return versions, newest first, without their weights."""


class SearchRepository(Protocol):
    """What is known of each collection before a search."""

    def basis(self, collection_id: UUID) -> SearchBasis | None:
        """Return what searches in the collection rest on, or ``None`` where there is none.

        Read once in a transaction, but again after ``put_reading``.
        """

    def put_reading(self, collection_id: UUID, reading: ShareReading, *, model: str) -> None:
        """Store how shares are read, in place of the reading before; it holds for that model."""


class StrangerCohort(Protocol):
    """Faces of people who are in no collection, to compare probes and collections with."""

    def background(self, probe: Embedding) -> float:
        """Return the sum over the strangers of ``exp(PROTOTYPE_SCALE * (cosine - 1))``."""

    def read(self, prototypes: Sequence[Sequence[float]]) -> ShareReading:
        """Search for every stranger among the prototypes, and fit how shares are to be read."""


class Reembedder(Protocol):
    """The models, as far as a change of model needs them."""

    def load(self, model: str) -> None:
        """Make a model ready. Raises: ModelMismatchError: its weights are not installed here."""

    def embed(self, faces: Sequence[StoredFace], model: str) -> Mapping[UUID, Embedding | None]:
        """Return the vector of every face; ``None`` for one that the model cannot embed."""

    def figures(
        self,
        model: str,
        faces: Sequence[DoubleFace],
        vectors: Sequence[Sequence[float]],
        *,
        target_fpir: float,
    ) -> ModelFigures:
        """Return how well a model tells the subjects of faces apart by these vectors of them.

        One whose weights are gone is judged all the same, as only its vectors are needed.
        """


class ReembeddingRepository(Protocol):
    """Changes of model, and what they write beside the vectors in use."""

    def add(self, reembedding: Reembedding) -> None:
        """Store a change. Raises: ConflictError: the collection has one that has not ended."""

    def get(self, reembedding_id: UUID) -> Reembedding | None:
        """Return the change, or ``None``."""

    def lock(self, reembedding_id: UUID) -> Reembedding | None:
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
        """Return faces by id that were not yet tried with the model, with their images."""

    def put_vectors(self, model: str, found: Mapping[UUID, Embedding | None]) -> None:
        """Store second vectors; ``None`` marks a face that the model cannot embed.

        Deleted faces are left out, and those that another transaction is changing.
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
    ) -> SettledFaces:
        """Leave faces their vector by a model alone; return which, none when all are so.

        A face without a vector by that model stays as it is, for the caller to erase. Those that
        another transaction is changing are left out, and stay.
        """

    def is_settled(self, collection_id: UUID, model: str) -> bool:
        """Return whether all faces have a vector by that model alone."""

    def count_faces(self, collection_id: UUID) -> int:
        """Return how many faces there are, with a subject or without."""
