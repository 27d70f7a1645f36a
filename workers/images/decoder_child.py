"""The process that decodes: ``python -m workers.images.decoder_child``; its parent is ``decoder``.

It knows no secret, opens no file, and may use only so much memory and processor time. Requests come
on standard input, as a length and the bytes of an image; answers go to standard output, as a line
of JSON: what there is to say of the pixels, or the error. The pixels are in the shared memory whose
descriptor is among its arguments.
"""

import json
import mmap
import resource
import struct
import sys
from dataclasses import asdict
from math import ceil

import numpy as np

from app.domain.errors import ImageError
from app.imaging.inspect import ImageLimits
from workers.images.decode import decode_image

LENGTH = struct.Struct("<Q")
CHANNELS = 3

#: What the interpreter and its libraries have mapped, with some room.
_OWN_BYTES = 320 * 2**20


def arguments(descriptor: int, limits: ImageLimits, cpu_s: int) -> list[str]:
    """Return what the child is told on its command line."""
    return [str(descriptor), json.dumps(asdict(limits)), str(cpu_s)]


def _main(descriptor: int, limits: ImageLimits, cpu_s: int) -> None:
    _confine(limits)
    shared = np.frombuffer(mmap.mmap(descriptor, limits.max_pixels * CHANNELS), np.uint8)
    while header := sys.stdin.buffer.read(LENGTH.size):
        data = sys.stdin.buffer.read(*LENGTH.unpack(header))
        _allow_processor_time(cpu_s)
        print(json.dumps(_decode(data, limits, shared)), flush=True)  # noqa: T201 - the protocol


def _decode(data: bytes, limits: ImageLimits, shared: np.ndarray) -> dict[str, object]:
    try:
        image = decode_image(data, limits=limits)
    except ImageError as error:
        return {"slug": error.slug, "detail": error.detail}
    shared[: image.pixels.size] = image.pixels.reshape(-1)
    return {
        "shape": image.pixels.shape,
        "width": image.width,
        "height": image.height,
        "scale": image.scale,
        "warnings": image.warnings,
    }


def _confine(limits: ImageLimits) -> None:
    file = 2 * limits.max_bytes  # as it came, and without its metadata
    memory = _OWN_BYTES + limits.memory_bytes + file
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 8),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _allow_processor_time(cpu_s: int) -> None:
    """Let the kernel end the process when the next image takes more than its time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = ceil(used.ru_utime + used.ru_stime) + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


if __name__ == "__main__":
    _main(int(sys.argv[1]), ImageLimits(**json.loads(sys.argv[2])), int(sys.argv[3]))
