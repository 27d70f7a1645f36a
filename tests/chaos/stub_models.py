"""Models that see a face in everything and take as long as real ones, or do as they are told."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from app.domain.errors import WeightsError
from tests.analyses import MODEL, embedding, image_of
from tests.chaos.history import History
from tests.chaos.orders import Order, order_of

#: The model that collections may change to.
OTHER_MODEL = "facenet-casia-512"

_SECONDS = {Order.ONE_SECOND: 1, Order.FIVE_SECONDS: 5, Order.FORTY_SECONDS: 40}


class StubPipeline:
    """Stands in for a FacePipeline; the vector of a picture is drawn from the hash of its bytes."""

    engine_name = "stub"

    def __init__(self, history: History) -> None:
        self._history = history

    def analyse(self, images, *, embed=True, cropped=False, models=()):
        for data in images:
            obey(data, self._history)
        return [_analysis(data, models or [MODEL]) for data in images]

    def load(self, model):
        if model != OTHER_MODEL:
            raise WeightsError(f"{model} is missing")

    def embed_again(self, faces, model):
        for data, _ in faces:
            obey(data, self._history)
            self._history.write("embedded again", picture=sha256(data).hexdigest())
        return [embedding(vector_of(data, model), model) for data, _ in faces]

    def milliseconds_per_face(self, model):
        return 1.0

    def finish_loading(self):
        """Have nothing to load."""

    def close(self):
        """Hold nothing."""


def obey(data, history: History) -> None:
    """Take the time of a picture, or do what it orders."""
    digest = sha256(data).hexdigest()
    order = order_of(data)
    history.write("began", picture=digest)
    match order:
        case Order.WORK:
            time.sleep(seconds_of(data))
        case Order.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        case Order.GROW:
            grow()
        case Order.SPIN:
            while True:
                pass
        case Order.SLEEP:
            time.sleep(3600)
        case _:
            time.sleep(_SECONDS[order])
    history.write("analysed", picture=digest)


def grow() -> None:
    """Take memory until none is left, and fail with all of it in hand.

    Raises: MemoryError: always.
    """
    hoard = []
    piece = 64 * 2**20
    while piece:
        try:
            hoard.append(bytearray(piece))
        except MemoryError:
            piece //= 2
    raise MemoryError


def seconds_of(data) -> float:
    """Return how long a picture takes, 130 ms on average."""
    return 0.06 + int(sha256(data).hexdigest()[:4], 16) / 0xFFFF * 0.14


def _analysis(data, models):
    image = image_of(vector_of(data))
    first, second = [embedding(vector_of(data, one), one) for one in [*models, models[0]]][:2]
    face = replace(image.faces[0], embedding=first, second=second if len(models) > 1 else None)
    return replace(image, faces=(face,))


def vector_of(data, model=MODEL):
    """A direction of its own for each picture, and another one by each model."""
    dimension, seed = (128, b"") if model == MODEL else (512, model.encode())
    digest = sha256(data + seed).digest()
    vector = np.random.default_rng(int.from_bytes(digest[:8])).standard_normal(dimension)
    return vector / np.linalg.norm(vector)


def own_history() -> History:
    """Return the history that this process was told to write."""
    return History(Path(os.environ["CHAOS_HISTORY"]))
