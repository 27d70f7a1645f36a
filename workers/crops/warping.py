"""Drawing a turned and scaled part of an image."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from workers.ports import Image


def warp(
    image: Image, transform: Float[np.ndarray, "2 3"], *, size: int
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Draw the part of an image that a transform carries into a square; black lies outside.

    What is drawn smaller than it is in the image is first shrunk by averaging: skipped pixels would
    leave patterns that no face has.
    Convention: ``transform`` maps image to crop; whole numbers are pixel centres.
    """
    scale = float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    if scale < 1:
        image, transform = _shrunk(image, transform, size=size, scale=scale)
    return cv2.warpAffine(image, transform, (size, size), flags=cv2.INTER_CUBIC)


def _shrunk(
    image: Image, transform: Float[np.ndarray, "2 3"], *, size: int, scale: float
) -> tuple[Image, Float[np.ndarray, "2 3"]]:
    """Cut out what the crop needs, shrink it, and return it with the transform from there."""
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]])
    reach = corners @ cv2.invertAffineTransform(transform.astype(np.float64)).T
    edge = np.array([image.shape[1], image.shape[0]])
    border = 2 / scale
    low = np.clip(np.floor(reach.min(axis=0) - border), 0, edge - 1).astype(int)
    high = np.clip(np.ceil(reach.max(axis=0) + border), low + 1, edge).astype(int)
    region = image[low[1] : high[1], low[0] : high[0]]
    to = np.maximum(np.round((high - low) * scale), 1).astype(int)
    small = cv2.resize(region, to.tolist(), interpolation=cv2.INTER_AREA)
    # the centre of pixel x of the small image is (x + 0.5) * ratio - 0.5 + low in the large one
    ratio = (high - low) / to
    linear = transform[:, :2].astype(np.float64)
    shift = linear @ (ratio / 2 - 0.5 + low) + transform[:, 2]
    return small, np.concatenate([linear * ratio, shift[:, None]], axis=1)
