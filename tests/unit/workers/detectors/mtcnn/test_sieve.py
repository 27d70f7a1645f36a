import numpy as np
import pytest

from workers.detectors.mtcnn.sieve import Sieve


class FakeEngine:
    """Its fast networks say 0.1 less than its exact ones, which repeat a crop's first value."""

    name = "fake"

    def __init__(self, precision):
        self.precision = precision
        self.sifts = precision != "fp32"
        self.judged = []

    def load(self, weights_id, *, side, batch_sizes, precision=None):
        def judge(crops):
            logits = crops[:, 0, 0, 0]
            if precision is None:
                return (logits - np.float32(0.1), logits)
            self.judged.append(logits.tolist())
            return (logits, logits * 2)

        return judge

    def finish(self): ...


def passing(engine, values):
    sieve = Sieve(engine, "any", side=2, batch_sizes=(1,), threshold=0.5, margin=0.2)
    crops = np.zeros((len(values), 2, 2, 4), np.float32)
    crops[:, 0, 0, 0] = values
    return sieve.passing(crops)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_exact_network_decides_what_passes_and_gives_the_outputs(precision):
    index, (logits, doubled) = passing(FakeEngine(precision), [0, 0.55, 0.45, 3])

    assert index.tolist() == [1, 3]
    np.testing.assert_allclose(logits, [0.55, 3])
    np.testing.assert_allclose(doubled, [1.1, 6])


def test_exact_network_sees_only_what_may_pass():
    engine = FakeEngine("bf16")

    passing(engine, [0, 0.3, 0.45, 3])

    assert np.allclose(engine.judged, [[0.45, 3]])


def test_nothing_passing_gives_empty_outputs_of_the_networks_shapes():
    index, outputs = passing(FakeEngine("bf16"), [0, 0.1])

    assert index.shape == (0,)
    assert [output.shape for output in outputs] == [(0,), (0,)]


def test_caller_may_spare_crops_the_exact_look():
    engine = FakeEngine("bf16")
    sieve = Sieve(engine, "any", side=2, batch_sizes=(1,), threshold=0.5, margin=0.2)
    crops = np.arange(3, dtype=np.float32)[:, None, None, None] * np.ones((3, 2, 2, 4), np.float32)

    index, _ = sieve.passing(crops, matters=lambda near, fast: (near == 2) & (fast[0] > 1))

    assert index.tolist() == [2]
    assert engine.judged == [[2.0]]
