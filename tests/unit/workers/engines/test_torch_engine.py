import numpy as np
import pytest
import torch

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.engines.torch_engine import TorchEngine, TorchNetwork


class Doubler(torch.nn.Module):
    """Doubles its input, and runs out of memory above a batch size."""

    def __init__(self, largest):
        super().__init__()
        self.largest = largest
        self.sizes = []

    def forward(self, x):
        if len(x) > self.largest:
            raise torch.OutOfMemoryError("made up")
        self.sizes.append(len(x))
        return (x * 2,)


def network(largest, batch_sizes):
    return TorchNetwork(Doubler(largest), torch.device("cpu"), torch.float32, batch_sizes)


@pytest.mark.parametrize("batch_sizes", [(1, 8), (8,), (2, 4, 16)])
def test_batch_is_split_when_memory_runs_out_and_the_work_goes_on(batch_sizes):
    inputs = np.random.default_rng(0).random((11, 2, 2, 3), np.float32)

    (found,) = network(2, batch_sizes)(inputs)

    np.testing.assert_array_equal(found, inputs * 2)


def test_memory_too_short_for_one_input_is_an_error():
    with pytest.raises(torch.OutOfMemoryError):
        network(0, (1, 8))(np.zeros((3, 2, 2, 3), np.float32))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_outputs_are_float32_whatever_the_precision(precision):
    engine = TorchEngine(DEFAULT_WEIGHTS_DIR, precision=precision)
    rnet = engine.load("rnet", side=24, batch_sizes=(4,))

    logits, offsets = rnet(np.zeros((3, 24, 24, 4), np.float32))

    assert (logits.dtype, offsets.dtype) == (np.float32, np.float32)
    assert (logits.shape, offsets.shape) == ((3,), (3, 4))
