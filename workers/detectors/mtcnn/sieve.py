"""Two looks at every crop: a fast one that weeds out, and an exact one that decides."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32, Int

from workers.engines.batching import Outputs
from workers.engines.ports import Engine

Matters = Callable[[Int[np.ndarray, " near"], Outputs], Bool[np.ndarray, " near"]]


class Sieve:
    """A network whose first output is a logit, run on the crops that may pass its threshold."""

    def __init__(
        self,
        engine: Engine,
        weights_id: str,
        *,
        side: int,
        batch_sizes: tuple[int, ...],
        threshold: float,
        margin: float,
    ) -> None:
        """Load the network in fp32, and in the engine's precision where a first look in that pays.

        ``margin`` is how far below ``threshold`` the fast logit of a crop that passes may lie.
        """
        self._threshold = threshold
        self._margin = margin
        self._judge = engine.load(weights_id, side=side, batch_sizes=batch_sizes, precision="fp32")
        self._sift = None
        if engine.sifts:
            self._sift = engine.load(weights_id, side=side, batch_sizes=batch_sizes)

    def passing(
        self, crops: Float32[np.ndarray, "n side side 4"], *, matters: Matters | None = None
    ) -> tuple[Int[np.ndarray, " passed"], tuple[Float32[np.ndarray, "passed ..."], ...]]:
        """Return which crops pass, and the exact outputs for these; n is at least 1.

        ``matters`` receives which crops may pass and the fast outputs for these, and says which of
        them are worth an exact look; the others count as failed.
        """
        near = np.arange(len(crops))
        if self._sift is not None:
            fast = self._sift(crops)
            near = np.flatnonzero(fast[0] > self._threshold - self._margin)
            if matters is not None:
                near = near[matters(near, tuple(output[near] for output in fast))]
        if not len(near):  # the outputs' shapes are the network's own, so let it make them
            near = np.arange(1)
        outputs = self._judge(crops[near])
        passed = outputs[0] > self._threshold
        return near[passed], tuple(output[passed] for output in outputs)
