"""Cut faces out of images, the way the embedding networks were trained on them."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from PIL import Image as Pillow

from workers.crops.warping import warp
from workers.ports import DetectedFaces, Image

CropRecipe = Literal["margin-14", "aligned"]

#: Extra border of the margin crop, in pixels of the finished crop, both sides together.
_MARGIN = 14

#: Mean places of MTCNN's landmarks in 3,098 margin crops of LFW, made symmetric; in pixels of a
#: crop of 160. FaceNet was trained on such crops, so this is where it expects them.
_TEMPLATE = np.array(
    [[45.80, 63.65], [113.20, 63.65], [79.50, 92.74], [49.73, 117.29], [109.27, 117.29]],
    np.float32,
)
_TEMPLATE_SIDE = 160

#: How much wider than high an aligned crop draws a face. The boxes of the training, a third taller
#: than wide, were stretched to squares by about 1.33; of 1.00, 1.08, 1.12, 1.15, 1.18, 1.23 and
#: 1.33 this has the fewest errors on LFW (app/docs/decisions/0008-aligned-crop.md).
_STRETCH = 1.15


def crop_faces(
    image: Image, faces: DetectedFaces, *, recipe: CropRecipe, size: int
) -> UInt8[np.ndarray, "n {size} {size} 3"]:
    """Cut every face out of one image by a named recipe, in the order of ``faces``.

    A face whose landmarks coincide cannot be aligned: it gets the margin crop, and the other faces
    theirs.
    """
    aligned = np.zeros(len(faces), np.bool_)
    if recipe == "aligned":
        aligned = has_spread(faces.landmarks)
    transforms = iter(aligned_transforms(faces.landmarks[aligned], size=size))
    crops = [
        warp(image, next(transforms), size=size)
        if turned
        else margin_crop(image, box, size=size, margin=_MARGIN)
        for turned, box in zip(aligned, faces.boxes, strict=True)
    ]
    return np.stack(crops) if crops else np.empty((0, size, size, 3), np.uint8)


def margin_crop(
    image: Image, box: Float32[np.ndarray, "4"], *, size: int, margin: int
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Cut out a box with a border and resize it to a square, not keeping its aspect.

    Convention: ``box`` is (x_min, y_min, x_max, y_max); the border is ``margin`` pixels of the
        finished crop, half on each side, and ends at the image's edge.
    Source: facenet-pytorch 2.5.3 ``extract_face``, whose rounding it repeats; Pillow's bilinear
        filter, which averages when it shrinks.

    >>> image = np.zeros((40, 40, 3), np.uint8)
    >>> margin_crop(image, np.array([5, 5, 35, 35], np.float32), size=16, margin=2).shape
    (16, 16, 3)
    """
    height, width = image.shape[:2]
    border = margin * (box[2:] - box[:2]) / (size - margin) / 2
    left, top = (int(max(edge, 0)) for edge in box[:2] - border)
    right = int(min(box[2] + border[0], width))
    bottom = int(min(box[3] + border[1], height))
    # a box that lies outside or is thinner than a pixel still gives a crop, of the nearest pixels
    left, top = min(left, width - 1), min(top, height - 1)
    region = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    resized = Pillow.fromarray(region).resize((size, size), Pillow.Resampling.BILINEAR)
    return np.asarray(resized)


def facenet_template(size: int) -> Float32[np.ndarray, "5 2"]:
    """Return where the landmarks belong in an aligned crop of ``size``, before its stretch.

    >>> facenet_template(160)[2].round(1).tolist()
    [79.5, 92.69999694824219]
    """
    middle = np.float32((size - 1) / 2)
    template = (_TEMPLATE - np.float32((_TEMPLATE_SIDE - 1) / 2)) * np.float32(
        size / _TEMPLATE_SIDE
    )
    template[:, 0] /= _STRETCH
    return template + middle


def cropped_landmarks(width: int, height: int) -> Float32[np.ndarray, "5 2"]:
    """Return where the landmarks of a face are that fills an image as it fills a margin crop.

    >>> cropped_landmarks(160, 320)[2].round(1).tolist()
    [79.5, 186.0]
    """
    scale = np.array([width, height], np.float32) / _TEMPLATE_SIDE
    return (_TEMPLATE + 0.5) * scale - 0.5


def aligned_transforms(
    landmarks: Float[np.ndarray, "n 5 2"], *, size: int
) -> Float[np.ndarray, "n 2 3"]:
    """Return the transforms that carry faces into aligned crops of ``size``.

    Convention: as :func:`similarity_transform`, whose result is stretched about the crop's middle
        along its rows.
    Raises: ValueError: the five points of some face coincide.
    """
    transforms = similarity_transform(landmarks, facenet_template(size))
    transforms[:, 0] *= _STRETCH
    transforms[:, 0, 2] += (size - 1) / 2 * (1 - _STRETCH)
    return transforms


def has_spread(landmarks: Float[np.ndarray, "n 5 2"]) -> Bool[np.ndarray, " n"]:
    """Tell whose landmarks do not coincide, so that a turn and a scale can be read from them.

    >>> has_spread(np.array([[[0., 0.]] * 5, [[0., 0.]] * 4 + [[9., 9.]]])).tolist()
    [False, True]
    """
    spread = ((landmarks - landmarks.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
    return spread >= np.finfo(landmarks.dtype).eps


def similarity_transform(
    landmarks: Float[np.ndarray, "n 5 2"], template: Float[np.ndarray, "5 2"]
) -> Float[np.ndarray, "n 2 3"]:
    """Estimate the similarity transform that carries five landmarks onto the template.

    Convention: points are (x, y) in pixels, y down, whole numbers at pixel centres; order
        image-left eye, image-right eye, nose, image-left and image-right mouth corner.
        The result maps image to template: ``template ~ M @ [x, y, 1]``.
    Returns: (n, 2, 3) in the dtype of ``landmarks``; n may be 0.
    Raises: ValueError: the five points of some face coincide, see :func:`has_spread`.
    Source: least squares over turn, scale and shift without mirroring (Umeyama 1991); in the plane
        the turn and the scale together are one complex factor, so no decomposition is needed.

    >>> square = np.array([[0., 0.], [4., 0.], [2., 2.], [0., 4.], [4., 4.]])
    >>> similarity_transform(square[None] * 2 + 6, square)[0].round(4).tolist()
    [[0.5, -0.0, -3.0], [0.0, 0.5, -3.0]]
    """
    if not has_spread(landmarks).all():
        raise ValueError("The landmarks of a face coincide.")
    source_mean = landmarks.mean(axis=1, keepdims=True)
    target_mean = template.mean(axis=0)
    source, target = landmarks - source_mean, template - target_mean
    spread = (source**2).sum(axis=(1, 2))
    cosine = (source * target).sum(axis=(1, 2)) / spread
    sine = (source[..., 0] * target[:, 1] - source[..., 1] * target[:, 0]).sum(axis=1) / spread
    linear = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    shift = target_mean - (linear @ source_mean.transpose(0, 2, 1))[..., 0]
    return np.concatenate([linear, shift[..., None]], axis=2).astype(landmarks.dtype)
