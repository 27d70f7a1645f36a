import numpy as np
import pytest

from workers.engines.batching import run_in_batches


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 13, 16, 31])
def test_every_input_comes_back_in_its_place_and_only_fixed_sizes_are_run(count):
    sizes = []
    shared = np.zeros((8, 2), np.float32)

    def run(batch):
        sizes.append(len(batch))
        shared[: len(batch)] = batch[:, 0, 0, :2]  # the same memory at every call
        return (shared[: len(batch)], batch[:, 0, 0, 0])

    inputs = np.arange(count * 3, dtype=np.float32).reshape(count, 1, 1, 3)

    pairs, firsts = run_in_batches(run, inputs, (1, 4, 8))

    assert set(sizes) <= {1, 4, 8}
    np.testing.assert_array_equal(pairs, inputs[:, 0, 0, :2])
    np.testing.assert_array_equal(firsts, inputs[:, 0, 0, 0])
