"""Run any number of inputs through a network whose batch sizes are fixed."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

Outputs = tuple[Float32[np.ndarray, "n ..."], ...]


def next_batch_size(waiting: int, batch_sizes: tuple[int, ...]) -> int:
    """Return the size to run next: the largest that can be filled by more than two thirds.

    >>> [next_batch_size(waiting, (1, 4, 8)) for waiting in (100, 6, 5, 3, 2)]
    [8, 8, 4, 4, 1]
    """
    for size in reversed(batch_sizes):
        if waiting * 3 > size * 2:
            return size
    return batch_sizes[0]


def run_in_batches(
    run: Callable[[Float32[np.ndarray, "b side side channels"]], Outputs],
    batch: Float32[np.ndarray, "n side side channels"],
    batch_sizes: tuple[int, ...],
) -> Outputs:
    """Cut a batch into fixed sizes, fill up the last one, and join the outputs.

    ``run`` may hand out arrays that it writes again at the next call; n is at least 1.
    """
    parts: list[Outputs] = []
    start = 0
    while start < len(batch):
        size = next_batch_size(len(batch) - start, batch_sizes)
        part = batch[start : start + size]
        filled = part
        if len(part) < size:
            filled = np.zeros((size, *batch.shape[1:]), batch.dtype)
            filled[: len(part)] = part
        parts.append(tuple(output[: len(part)].copy() for output in run(filled)))
        start += size
    return (
        parts[0] if len(parts) == 1 else tuple(np.concatenate(o) for o in zip(*parts, strict=True))
    )
