"""Models that see a face in everything and take as long as real ones, or do as they are told."""

from __future__ import annotations

import os
import signal
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from tests.analyses import image_of
from tests.chaos.history import History
from tests.chaos.orders import Order, order_of

_SECONDS = {Order.ONE_SECOND: 1, Order.FIVE_SECONDS: 5, Order.FORTY_SECONDS: 40}


class StubPipeline:
    """Stands in for a FacePipeline; the vector of a picture is drawn from the hash of its bytes."""

    engine_name = "stub"

    def __init__(self, history: History) -> None:
        self._history = history

    def analyse(self, images, *, embed=True, cropped=False, models=()):
        for data in images:
            obey(data, self._history)
        return [image_of(vector_of(data)) for data in images]

    def close(self):
        """Hold nothing."""


def obey(data, history: History) -> None:
    """Take the time of a picture, or do what it orders."""
    digest = sha256(data).hexdigest()
    order = order_of(data)
    history.write("began", picture=digest)
    match order:
        case Order.WORK:
            time.sleep(0.06 + int(digest[:4], 16) / 0xFFFF * 0.14)
        case Order.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        case Order.GROW:
            hoard = []
            while True:
                hoard.append(bytearray(64 * 2**20))
        case Order.SPIN:
            while True:
                pass
        case Order.SLEEP:
            time.sleep(3600)
        case _:
            time.sleep(_SECONDS[order])
    history.write("analysed", picture=digest)


def vector_of(data):
    """A direction of its own for each picture."""
    seed = int.from_bytes(sha256(data).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(128)
    return vector / np.linalg.norm(vector)


def own_history() -> History:
    """Return the history that this process was told to write."""
    return History(Path(os.environ["CHAOS_HISTORY"]))
