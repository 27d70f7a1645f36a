"""Two looks at every crop: a fast one that weeds out, and an exact one that decides."""

import numpy as np
from jaxtyping import Float32, Int

from workers.engines.ports import Engine


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
        """Load the network in the engine's precision, and in fp32 where that is another one.

        ``margin`` is how far below ``threshold`` the fast logit of a crop that passes may lie.
        """
        self._threshold = threshold
        self._margin = margin
        self._judge = engine.load(weights_id, side=side, batch_sizes=batch_sizes, precision="fp32")
        self._sift = None
        if engine.precision != "fp32":
            self._sift = engine.load(weights_id, side=side, batch_sizes=batch_sizes)

    def passing(
        self, crops: Float32[np.ndarray, "n side side 4"]
    ) -> tuple[Int[np.ndarray, " passed"], tuple[Float32[np.ndarray, "passed ..."], ...]]:
        """Return which crops pass, and the exact outputs for these; n is at least 1."""
        near = np.arange(len(crops))
        if self._sift is not None:
            near = np.flatnonzero(self._sift(crops)[0] > self._threshold - self._margin)
        if not len(near):  # the outputs' shapes are the network's own, so let it make them
            near = np.arange(1)
        outputs = self._judge(crops[near])
        passed = outputs[0] > self._threshold
        return near[passed], tuple(output[passed] for output in outputs)
