"""From the bytes of an upload to upright RGB pixels.

What becomes of other kinds of pixels: grey is repeated over the channels; palettes are looked up;
16-bit values keep their upper eight bits; CMYK is converted by Pillow's plain formula; whatever is
transparent shows white. Embedded colour profiles are ignored: the models were trained on pixels
read that way.
"""

import numpy as np
from PIL import Image as Pillow

from app.domain.errors import CorruptImageError, ImageTooLargeError
from app.imaging.inspect import PILLOW_ERRORS, ImageLimits, open_image
from workers.ports import Image

_ORIENTATION_TAG = 0x0112
#: EXIF orientation to the turn that undoes it (Exif 2.32, section 4.6.4, tag Orientation).
_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


def decode_image(data: bytes, *, limits: ImageLimits) -> Image:
    """Decode one image, turned as its EXIF orientation says.

    Raises: UnsupportedImageError, ImageTooLargeError, ImageTooSmallError: by its header, see
            ``app.imaging.inspect``.
        CorruptImageError: damaged or cut short.
    """
    image = open_image(data, limits=limits)
    try:
        with image:
            image.load()
            upright = _to_rgb(image)
            turn = _TURNS.get(_orientation(image))
            if turn is not None:
                upright = upright.transpose(turn)
            return np.asarray(upright)
    except MemoryError as error:
        raise ImageTooLargeError from error
    except PILLOW_ERRORS as error:
        raise CorruptImageError from error


def _to_rgb(image: Pillow.Image) -> Pillow.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip instead of scale
        return Pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Pillow.new("RGBA", coloured.size, (255, 255, 255, 255))
        return Pillow.alpha_composite(white, coloured).convert("RGB")
    return image.convert("RGB")


def _orientation(image: Pillow.Image) -> int:
    """Return the EXIF orientation; damaged EXIF data is no reason to refuse the pixels."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except PILLOW_ERRORS:
        return 1
    return value if isinstance(value, int) else 1
