"""The moment at which a collection comes to be searched by its other model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.errors import ConflictError, FacesLeftBehindError, NotFoundError
from app.domain.reembedding import ReembeddingState

if TYPE_CHECKING:
    from app.domain.collection import Collection
    from app.domain.reembedding import Reembedding
    from app.services.ports import Clock, UnitOfWork

#: Of the faces that stop a switch, so many are named.
_NAMED = 20


def activate(work: UnitOfWork, change: Reembedding, *, clock: Clock) -> Reembedding:
    """Let searches go by the new model from the end of the transaction on.

    Raises: FacesLeftBehindError: some faces have no vector by it, and the change does not leave
    them behind.
    """
    collection = _locked(work, change)
    count = work.reembeddings.count_left_behind(collection.id, change.model)
    if count and not change.drop_faces_without_photograph:
        ids = work.reembeddings.left_behind(collection.id, change.model, limit=_NAMED)
        raise FacesLeftBehindError(
            f"{count} faces have no vector by {change.model}, because no usable photograph of "
            f"them exists: {', '.join(map(str, ids))}. Enrol them again and delete these, or set "
            "drop_faces_without_photograph."
        )
    return _exchange(work, change, collection, ReembeddingState.ACTIVE, clock)


def take_back(work: UnitOfWork, change: Reembedding, *, clock: Clock) -> Reembedding:
    """Let searches go by the former model again from the end of the transaction on."""
    return _exchange(work, change, _locked(work, change), ReembeddingState.READY, clock)


def _locked(work: UnitOfWork, change: Reembedding) -> Collection:
    """Keep new faces waiting, so that none comes without both vectors."""
    collection = work.collections.lock_alone(change.collection_id)
    if collection is None:
        raise NotFoundError("The collection was deleted meanwhile.")
    if collection.second_model is None:
        raise ConflictError("The collection has vectors of one model only.")
    return collection


def _exchange(
    work: UnitOfWork,
    change: Reembedding,
    collection: Collection,
    state: ReembeddingState,
    clock: Clock,
) -> Reembedding:
    """Exchange the two models, with what belongs to each.

    Readings and trained versions are looked up by the collection's model and need nothing done.
    """
    if collection.second_model is None:
        raise ValueError("A collection can only be switched between two models.")
    work.collections.update(
        replace(
            collection,
            model=collection.second_model,
            second_model=collection.model,
            similarity_threshold=change.other_similarity_threshold,
            possible_threshold=change.other_possible_threshold,
        )
    )
    work.subjects.refresh_prototypes(collection.id)
    switched = replace(
        change,
        state=state,
        other_similarity_threshold=collection.similarity_threshold,
        other_possible_threshold=collection.possible_threshold,
        activated_at=clock.now() if state is ReembeddingState.ACTIVE else None,
    )
    work.reembeddings.update(switched)
    return switched
