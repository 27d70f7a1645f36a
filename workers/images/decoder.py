"""Decode in another process, so that an image can at worst harm that one."""

import json
import logging
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

from app.domain.detection import ImageWarning
from app.domain.errors import CorruptImageError, ImageError, ImageTooLargeError
from app.imaging.inspect import ImageLimits
from workers.images.decoder_child import CHANNELS, LENGTH, arguments
from workers.ports import DecodedImage

_LOG = logging.getLogger(__name__)

_ERRORS = {kind.slug: kind for kind in ImageError.__subclasses__()}

#: What the child may not exceed by the clock, on a machine however busy; by processor time it is
#: ended much earlier.
_PATIENCE_S = 30

#: Signals that no image causes: an operator's, or the kernel's when memory is short.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class DecoderLostError(RuntimeError):
    """Decoders are ended from outside as fast as they start: no image is to blame."""


class _ChildDiedError(Exception):
    """The process ended instead of answering."""

    def __init__(self, ended_by: int) -> None:
        self.signal = ended_by
        super().__init__(f"ended by signal {ended_by}")


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
        """Start the process, if none runs, without waiting for it."""
        if self._child is not None and not self._child.is_alive():
            self.close()
        if self._child is None:
            self._child = _Child(self._memory, self._limits, self._cpu_s)

    def decode(self, data: bytes) -> DecodedImage:
        """Decode one image, turned as it says itself.

        Raises: ImageError: as ``decode.decode_image``; too much memory or time for its pixels
                makes an image too large, and one that ends two processes is corrupt.
            DecoderLostError: two processes were ended from outside.
        """
        try:
            return self._try(data)
        except _ChildDiedError:
            _LOG.warning("decoder died, image tried again", extra={"action": "decoder_died"})
        try:
            return self._try(data)
        except _ChildDiedError as error:
            if error.signal in _FROM_OUTSIDE:
                raise DecoderLostError("Two decoders were ended from outside.") from error
            raise CorruptImageError from error

    def _try(self, data: bytes) -> DecodedImage:
        """Decode in the present process, or in a new one where that has ended.

        Raises: ImageError. _ChildDiedError: for a reason that need not be the image.
        """
        self.start()
        child = cast("_Child", self._child)
        try:
            answer = child.ask(data)
        except OSError as error:
            self._child = None
            ended_by = -child.end()
            if isinstance(error, TimeoutError) or ended_by == signal.SIGXCPU:
                raise ImageTooLargeError(
                    "Decoding the image takes too much time. Scale it down, or save it again."
                ) from None
            raise _ChildDiedError(ended_by) from None
        if "slug" in answer:
            raise _ERRORS[answer["slug"]](answer["detail"])
        height, width, _ = answer["shape"]
        pixels = self._shared[: height * width * CHANNELS].reshape(answer["shape"]).copy()
        return DecodedImage(
            pixels=pixels,
            width=answer["width"],
            height=answer["height"],
            scale=answer["scale"],
            warnings=tuple(map(ImageWarning, answer["warnings"])),
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
        if not answer.endswith(b"\n"):
            raise ConnectionResetError
        return cast("dict[str, Any]", json.loads(answer))

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def end(self) -> int:
        """Make sure that the process is gone; return its exit code."""
        self._gone()
        return self._process.wait()


def _end(process: "subprocess.Popen[bytes]", answers: BinaryIO, connection: socket.socket) -> None:
    process.kill()
    process.wait()
    answers.close()
    connection.close()
