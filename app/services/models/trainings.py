"""Look up the versions of a collection's trained matcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.services.people.collections import find_collection

if TYPE_CHECKING:
    from app.domain.caller import Caller
    from app.domain.collection import Collection
    from app.domain.training import Training
    from app.services.ports import UnitOfWorkFactory


def list_trainings(
    collection_ref: str, *, limit: int, caller: Caller, uow: UnitOfWorkFactory
) -> tuple[Collection, list[Training]]:
    """Return a collection and its versions, newest first, without their weights.

    Raises: NotFoundError.
    """
    with uow() as work:
        collection = find_collection(collection_ref, caller=caller, work=work)
        return collection, work.trainings.page(collection.id, limit=limit)
