"""Matchers that were trained for a collection, ready to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.embedding import Embedding
    from app.domain.matching import StrangerTail
    from app.services.ports.work import UnitOfWork


class SubjectClassifier(Protocol):
    """A trained matcher, ready to be asked."""

    #: Which shares strangers reach.
    tail: StrangerTail

    @property
    def subject_ids(self) -> Sequence[UUID]:
        """The subjects that it knows."""

    def probabilities(self, probe: Embedding) -> Mapping[UUID, float]:
        """Return each trained subject's share of the probe; the shares add up to 1."""


class Classifiers(Protocol):
    """Trained matchers by the id of their training."""

    def get(self, work: UnitOfWork, training_id: UUID) -> SubjectClassifier | None:
        """Return the matcher, or ``None`` when the training is gone."""
