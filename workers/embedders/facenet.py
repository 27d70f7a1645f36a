"""Embedding by FaceNet."""

import numpy as np
from jaxtyping import Float32, UInt8

from app.domain.model_card import ModelCard
from workers.engines.ports import Engine

_BATCH_SIZES = (1, 4, 8)


class FaceNetEmbedder:
    """Inception-ResNet-v1 on any engine."""

    def __init__(self, engine: Engine, card: ModelCard, *, flip: bool = False) -> None:
        """Load the card's weights; ``flip`` also embeds each crop's mirror image.

        The mean of both vectors is steadier than one and costs twice the time.
        """
        self.card = card
        self._flip = flip
        self._network = engine.load(card.id, side=card.input_size, batch_sizes=_BATCH_SIZES)

    def embed(
        self, crops: UInt8[np.ndarray, "n size size 3"]
    ) -> Float32[np.ndarray, "n dimension"]:
        """Return one L2-normalised vector for each crop; n may be 0."""
        if not len(crops):
            return np.empty((0, self.card.dimension), np.float32)
        pixels = crops.astype(np.float32)
        inputs = (
            prewhiten(pixels) if self.card.preprocessing == "prewhiten" else standardise(pixels)
        )
        if not self._flip:
            return normalise(self._network(inputs)[0])
        both = self._network(np.concatenate([inputs, inputs[:, :, ::-1]]))[0]
        straight, mirrored = np.split(normalise(both), 2)
        return normalise(straight + mirrored)


def prewhiten(crops: Float32[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n h w 3"]:
    """Give each crop mean 0 and deviation 1, over all its values together.

    The deviation is at least ``1 / sqrt(values)``, so an even crop becomes zeros.
    Source: davidsandberg/facenet ``src/facenet.py``, ``prewhiten``.

    >>> prewhiten(np.array([[[[0, 0, 0], [2, 2, 2]]]], np.float32)).ravel().tolist()
    [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0]
    """
    flat = crops.reshape(len(crops), -1)
    mean = flat.mean(axis=1, keepdims=True)
    centred = flat - mean
    # einsum squares and adds in one pass
    deviation = np.sqrt(np.einsum("ij,ij->i", centred, centred) / flat.shape[1])[:, None]
    centred /= np.maximum(deviation, flat.shape[1] ** -0.5)
    return centred.reshape(crops.shape)


def standardise(crops: Float32[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n h w 3"]:
    """Scale pixel values by constants, to about -1 to 1.

    Source: facenet-pytorch ``fixed_image_standardization``.

    >>> standardise(np.full((1, 1, 1, 3), 255, np.float32)).ravel().tolist()
    [0.99609375, 0.99609375, 0.99609375]
    """
    return (crops - np.float32(127.5)) / np.float32(128)


def normalise(vectors: Float32[np.ndarray, "n dimension"]) -> Float32[np.ndarray, "n dimension"]:
    """Scale each vector to length 1.

    >>> normalise(np.array([[3, 4]], np.float32)).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)
