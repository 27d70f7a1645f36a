"""Embedding models beside the one that a worker starts with, loaded when they are first needed."""

from collections import OrderedDict
from collections.abc import Callable

from workers.ports import Embedder


class EmbedderShelf:
    """The main model for ever, and a few others: what was used longest ago makes room."""

    def __init__(self, main: Embedder, load: Callable[[str], Embedder], *, others: int) -> None:
        """``load`` raises WeightsError; ``others`` is how many are kept beside the main one."""
        self.main = main
        self._load = load
        self._most = others
        self._others: OrderedDict[str, Embedder] = OrderedDict()

    def get(self, model_id: str) -> Embedder:
        """Return a model; load it first if necessary. Raises: WeightsError: it cannot be loaded."""
        if model_id == self.main.card.id:
            return self.main
        if model_id not in self._others:
            while len(self._others) >= self._most:  # first, so that memory holds no more of them
                self._others.popitem(last=False)
            self._others[model_id] = self._load(model_id)
        self._others.move_to_end(model_id)
        return self._others[model_id]
