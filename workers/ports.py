"""What the pipeline needs of a decoder, a detector and an embedder.

Convention: images are RGB, uint8, height x width x 3; coordinates as in ``app.domain.geometry``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from app.domain.detection import ImageWarning
from app.domain.model_card import ModelCard

Image = UInt8[np.ndarray, "_ _ 3"]  # sizes differ from image to image


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedFaces:
    """The faces of one image as arrays, largest box first; n may be 0."""

    #: Corners (x_min, y_min, x_max, y_max); a box may reach beyond the image.
    boxes: Float32[np.ndarray, "n 4"]
    #: (x, y) of image-left eye, image-right eye, nose, image-left and image-right mouth corner.
    landmarks: Float32[np.ndarray, "n 5 2"]
    #: The detector's probability that the box holds a face, 0 to 1.
    confidences: Float32[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedImage:
    """Upright pixels, and how they lie in the image that was sent."""

    pixels: Image
    #: Size of the upright image before it was reduced.
    width: int
    height: int
    #: Pixels of that image for one of these, in either direction.
    scale: int = 1
    warnings: tuple[ImageWarning, ...] = ()


@runtime_checkable
class Decoder(Protocol):
    """Turns the bytes of an upload into pixels."""

    def decode(self, data: bytes) -> DecodedImage:
        """Return upright pixels; raise an ImageError that says what is wrong with the file."""
        ...

    def close(self) -> None:
        """Give up what the decoder holds outside this process."""


@runtime_checkable
class Detector(Protocol):
    """Finds faces."""

    def detect(self, images: Sequence[Image]) -> list[DetectedFaces]:
        """Return the faces of each image, in the order given; images may differ in size."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns face crops into vectors."""

    @property
    def card(self) -> ModelCard:
        """The model behind the vectors."""
        ...

    def embed(
        self, crops: UInt8[np.ndarray, "n size size 3"]
    ) -> Float32[np.ndarray, "n dimension"]:
        """Return one L2-normalised vector for each crop of the card's input size."""
        ...
