"""Decode in another process, so that an image can at worst harm that one."""

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from app.domain.errors import CorruptImageError, ImageError, ImageTooLargeError
from app.imaging.inspect import ImageLimits
from workers.images.decoder_child import CHANNELS, LENGTH, arguments
from workers.ports import Image

_ERRORS = {kind.slug: kind for kind in ImageError.__subclasses__()}

#: What the child may not exceed by the clock, on a machine however busy; by processor time it is
#: ended much earlier.
_PATIENCE_S = 30


class ConfinedDecoder:
    """Decodes one image after the other; not to be shared between threads.

    The decoders of image formats are the code that strangers reach first. They run in a process
    that has no secrets, no files and bounded memory and time, and that is replaced when it dies.
    """

    def __init__(self, limits: ImageLimits, *, cpu_s: int = 3) -> None:
        """``cpu_s`` is the processor time of one image; the largest photograph takes a tenth."""
        self._limits = limits
        self._cpu_s = cpu_s
        size = limits.max_pixels * CHANNELS
        self._memory = os.memfd_create("pixels")
        weakref.finalize(self, os.close, self._memory)
        os.ftruncate(self._memory, size)
        self._shared = np.frombuffer(mmap.mmap(self._memory, size), np.uint8)
        self._child: _Child | None = None

    def start(self) -> None:
        """Start the process, if it does not run, without waiting for it."""
        if self._child is None:
            self._child = _Child(self._memory, self._limits, self._cpu_s)

    def decode(self, data: bytes) -> Image:
        """Decode one image, turned as its EXIF orientation says.

        Raises: ImageError: as ``decode.decode_image``; too much memory or time for its pixels
            makes an image too large, and one that ends the process is corrupt.
        """
        self.start()
        child = cast("_Child", self._child)
        try:
            answer = child.ask(data)
        except OSError:
            raise self._death(child) from None
        if "slug" in answer:
            raise _ERRORS[answer["slug"]](answer["detail"])
        shape = (answer["height"], answer["width"], CHANNELS)
        return self._shared[: shape[0] * shape[1] * CHANNELS].reshape(shape).copy()

    def _death(self, child: "_Child") -> ImageError:
        self._child = None
        if child.end() == -signal.SIGSEGV:
            return CorruptImageError()
        return ImageTooLargeError(
            "Decoding the image takes too much time or memory; scale it down or save it anew."
        )

    def close(self) -> None:
        """End the process; the next image would start another."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """A process and the socket to its standard input and output."""

    def __init__(self, memory: int, limits: ImageLimits, cpu_s: int) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_PATIENCE_S)
        self._answers = self._socket.makefile("rb")
        module = [sys.executable, "-m", "workers.images.decoder_child"]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*module, *arguments(memory, limits, cpu_s)],
                cwd=Path(__file__).parents[2],
                env={"OPENBLAS_NUM_THREADS": "1"},
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                pass_fds=[memory],
            )
        self._gone = weakref.finalize(self, _end, self._process, self._answers, self._socket)

    def ask(self, data: bytes) -> dict[str, Any]:
        """Return the answer; raise OSError when the process ends instead, or does not answer."""
        self._socket.sendall(LENGTH.pack(len(data)))
        self._socket.sendall(data)
        answer = self._answers.readline()
        if not answer:
            raise ConnectionResetError
        return cast("dict[str, Any]", json.loads(answer))

    def end(self) -> int:
        """Make sure that the process is gone; return its exit code."""
        self._gone()
        return self._process.wait()


def _end(process: "subprocess.Popen[bytes]", answers: BinaryIO, connection: socket.socket) -> None:
    process.kill()
    process.wait()
    answers.close()
    connection.close()
