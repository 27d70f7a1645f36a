"""How a network is run, whatever runs it."""

from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

Precision = Literal["fp32", "bf16", "fp16"]


@runtime_checkable
class Network(Protocol):
    """A loaded network."""

    def __call__(
        self, batch: Float32[np.ndarray, "n side side channels"]
    ) -> tuple[Float32[np.ndarray, "n ..."], ...]:
        """Return the network's outputs for one or more inputs, in their order."""
        ...


@runtime_checkable
class Engine(Protocol):
    """Loads networks by the ids of the manifest."""

    @property
    def name(self) -> str:
        """Engine and precision, such as ``openvino-bf16``; stored with what it computed."""
        ...

    @property
    def precision(self) -> Precision:
        """The precision of networks, unless ``load`` is given another."""
        ...

    @property
    def sifts(self) -> bool:
        """Whether ``precision`` is so much faster than fp32 that a first look in it pays."""
        ...

    def load(
        self,
        weights_id: str,
        *,
        side: int,
        batch_sizes: tuple[int, ...],
        precision: Precision | None = None,
    ) -> Network:
        """Make a network ready for square inputs of one side.

        Only the batch sizes given (ascending) are ever run; other numbers are cut and filled up.
        The larger ones may be put off until ``finish``; what they are for is cut smaller meanwhile.
        ``precision`` is the engine's own unless it is given.
        Raises: WeightsError: the weights are missing or not those of the manifest.
        """
        ...

    def finish(self) -> None:
        """Make ready what loading has put off; networks may be in use in another thread."""
        ...
