import subprocess
import sys

import numpy as np
import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.engines.openvino_engine import OpenVinoEngine


@pytest.fixture
def engine():
    return OpenVinoEngine(DEFAULT_WEIGHTS_DIR)


@pytest.fixture
def crops():
    return np.random.default_rng(0).uniform(-1, 1, (11, 24, 24, 4)).astype(np.float32)


def test_network_answers_alike_before_and_after_its_loading_is_finished(engine, crops):
    rnet = engine.load("rnet", side=24, batch_sizes=(2, 4))

    before = rnet(crops)
    engine.finish()
    after = rnet(crops)

    for one, other in zip(before, after, strict=True):
        assert len(one) == len(crops)
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_finishing_again_costs_nothing_and_changes_nothing(engine, crops):
    rnet = engine.load("rnet", side=24, batch_sizes=(2, 4))
    engine.finish()
    [first, _] = rnet(crops)

    engine.finish()

    np.testing.assert_array_equal(rnet(crops)[0], first)


def test_signals_arrive_after_engines_have_gone_in_the_order_they_came():
    code = """
import signal
from workers.engines.openvino_engine import OpenVinoEngine
from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR

def network():
    return OpenVinoEngine(DEFAULT_WEIGHTS_DIR).load("rnet", side=24, batch_sizes=(1,))

first, second = network(), network()
del first
del second
signal.signal(signal.SIGALRM, lambda *_: print("arrived"))
signal.raise_signal(signal.SIGALRM)
"""
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "arrived\n"), ended.stderr
