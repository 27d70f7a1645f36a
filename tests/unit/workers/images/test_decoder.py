import fcntl
import io
import os
import signal
import sys
import termios
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pictures
import pytest
from PIL import Image

from app.domain.detection import ImageWarning
from app.domain.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from app.imaging.inspect import ImageLimits
from workers.images.decode import decode_image
from workers.images.decoder import ConfinedDecoder, DecoderLostError

LIMITS = ImageLimits()


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photograph(size=(120, 90)):
    noise = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return encoded(Image.fromarray(noise), "JPEG")


def child_of(decoder):
    return decoder._child._process.pid


@pytest.fixture
def decoder():
    with closing(ConfinedDecoder(LIMITS)) as decoder:
        yield decoder


def test_a_process_that_was_started_ahead_is_the_one_that_decodes(decoder):
    decoder.start()
    ahead = child_of(decoder)
    decoder.decode(photograph())
    assert child_of(decoder) == ahead


def test_the_pixels_are_those_that_this_process_would_decode(decoder):
    for size in [(120, 90), (31, 400), (900, 700)]:
        data = photograph(size)
        there, here = decoder.decode(data), decode_image(data, limits=LIMITS)
        np.testing.assert_array_equal(there.pixels, here.pixels)
        assert replace(there, pixels=here.pixels) == here


@pytest.mark.parametrize("kind", pictures.formats())
def test_every_format_is_decoded_within_its_confines(decoder, kind):
    child = child_of(decoder) if decoder._child else None
    image = decoder.decode(pictures.formats()[kind])

    expected = pictures.picture((image.width, image.height))
    assert np.abs(image.pixels.astype(int) - np.asarray(expected).astype(int)).mean() < 6
    assert child in {None, child_of(decoder)}


def test_what_there_is_to_say_of_an_image_comes_through(decoder):
    large = encoded(Image.new("RGB", (8_000, 6_000)), "JPEG")

    image = decoder.decode(large[:-2])

    assert (image.width, image.height, image.scale) == (8_000, 6_000, 2)
    assert image.pixels.shape == (3_000, 4_000, 3)
    assert image.warnings == (ImageWarning.INCOMPLETE, ImageWarning.REDUCED)


def test_pixels_stay_when_the_next_image_is_decoded(decoder):
    first = decoder.decode(photograph()).pixels
    before = first.copy()
    decoder.decode(encoded(Image.new("RGB", (200, 200))))

    np.testing.assert_array_equal(first, before)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", CorruptImageError),
        (photograph()[:500], CorruptImageError),
        (encoded(Image.new("RGB", (64, 64)), "PPM"), UnsupportedImageError),
        (encoded(Image.new("1", (8000, 8000))), ImageTooLargeError),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_and_costs_no_process(decoder, data, kind):
    decoder.decode(photograph())
    child = child_of(decoder)

    with pytest.raises(kind):
        decoder.decode(data)

    assert child_of(decoder) == child


def test_the_error_says_what_the_limit_is(decoder):
    with pytest.raises(ImageTooLargeError, match="50,000,000"):
        decoder.decode(encoded(Image.new("1", (8000, 8000))))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "I;16", "PA"])
def test_the_largest_image_of_every_kind_of_pixels_fits_the_memory(decoder, mode):
    if mode == "PA":
        largest = encoded(Image.new("P", (5000, 5000)), transparency=0)
    elif mode == "CMYK":
        largest = encoded(Image.new(mode, (5000, 5000)), "JPEG")
    else:
        largest = encoded(Image.new(mode, (5000, 5000)))

    assert decoder.decode(largest).pixels.shape == (5000, 5000, 3)


@pytest.mark.parametrize(
    ("size", "scale", "options"),
    [
        ((8_000, 6_000), 2, {}),  # 48 megapixels
        ((8_000, 6_000), 2, {"progressive": True, "subsampling": 0}),
        ((12_000, 9_000), 4, {}),  # 108
        ((12_000, 9_000), 4, {"progressive": True}),
        ((16_320, 12_240), 4, {}),  # 200
    ],
)
def test_the_photographs_of_telephones_fit_the_memory_and_the_time(decoder, size, scale, options):
    image = decoder.decode(encoded(Image.new("RGB", size, (9, 99, 199)), "JPEG", **options))

    assert (image.width, image.height, image.scale) == (*size, scale)
    assert np.abs(image.pixels[0, 0].astype(int) - (9, 99, 199)).max() < 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "AVIF"])
def test_the_largest_image_that_the_front_accepts_of_another_format_fits_the_memory(kind):
    options = {"speed": 10} if kind == "AVIF" else {}
    largest = encoded(Image.new("RGB", (8_000, 6_000)), kind, **options)
    with closing(ConfinedDecoder(ImageLimits(max_bytes=len(largest)))) as decoder:
        assert decoder.decode(largest).pixels.shape == (3_000, 4_000, 3)


def end(process, by):
    """Let a process be ended by a signal as soon as it goes on to its next image."""
    os.kill(process, signal.SIGSTOP)
    os.kill(process, by)
    os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("by", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGTERM])
def test_an_image_whose_process_dies_is_decoded_by_another(decoder, by):
    decoder.decode(photograph())
    child = child_of(decoder)
    end(child, by)

    assert decoder.decode(photograph()).pixels.shape == (90, 120, 3)
    assert child_of(decoder) != child


def test_no_image_is_blamed_for_processes_that_are_ended_while_idle(decoder):
    for _ in range(12):
        decoder.decode(photograph())
        os.kill(child_of(decoder), signal.SIGKILL)
        decoder._child._process.wait()

        assert decoder.decode(photograph()).warnings == ()


@contextmanager
def every_process_ended(decoder, by):
    """End each process of a decoder as soon as there is one."""
    ended = []
    stop = Event()

    def watch():
        while not stop.wait(0.005):
            process = decoder._child and child_of(decoder)
            if process and process not in ended:
                ended.append(process)
                os.kill(process, by)

    watcher = Thread(target=watch)
    watcher.start()
    yield ended
    stop.set()
    watcher.join()


@pytest.mark.parametrize("by", [signal.SIGSEGV, signal.SIGABRT])
def test_an_image_of_which_two_processes_die_is_corrupt(decoder, by):
    with every_process_ended(decoder, by) as ended, pytest.raises(CorruptImageError):
        decoder.decode(photograph())
    assert len(ended) == 2


def test_processes_that_somebody_ends_blame_no_image(decoder):
    with (
        every_process_ended(decoder, signal.SIGKILL) as ended,
        pytest.raises(DecoderLostError),
    ):
        decoder.decode(photograph())
    assert len(ended) == 2


def unread(line):
    """Return how many bytes the other end of a socket has not taken yet."""
    return int.from_bytes(fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def test_an_image_whose_process_used_up_its_time_is_not_tried_again(decoder):
    decoder.decode(photograph())
    process, line = child_of(decoder), decoder._child._socket
    os.kill(process, signal.SIGSTOP)
    os.kill(process, signal.SIGXCPU)  # which ends it as soon as it goes on

    def go_on():
        """Let it go on with its next image: ended before, it would be replaced in silence."""
        while not unread(line):
            time.sleep(0.005)
        os.kill(process, signal.SIGCONT)

    beside = Thread(target=go_on)
    beside.start()
    with pytest.raises(ImageTooLargeError, match="time"):
        decoder.decode(photograph())
    beside.join()


def test_an_image_that_takes_too_long_is_too_large():
    endless = Image.new("RGB", (4900, 4900))
    with closing(ConfinedDecoder(LIMITS, cpu_s=0)) as decoder:
        decoder.decode(photograph())
        with pytest.raises(ImageTooLargeError, match="too much time"):
            for _ in range(20):
                decoder.decode(encoded(endless, "JPEG", progressive=True))


def test_the_process_knows_nothing_and_can_write_nothing(decoder, monkeypatch):
    monkeypatch.setenv("VULTUS_SECRET_KEY", "a secret that no decoder needs")
    decoder.decode(photograph())

    process = Path("/proc") / str(child_of(decoder))
    assert b"secret" not in (process / "environ").read_bytes()
    limits = {
        line[:26].strip(): line[26:].split()[0]
        for line in (process / "limits").read_text().splitlines()
    }
    assert limits["Max file size"] == "0"
    assert limits["Max core file size"] == "0"
    assert int(limits["Max address space"]) < 1_000_000_000
    assert int(limits["Max cpu time"]) < 10


def test_a_decoder_that_is_forgotten_leaves_no_process():
    decoder = ConfinedDecoder(LIMITS)
    decoder.decode(photograph())
    process = Path("/proc") / str(child_of(decoder))
    assert process.exists()

    del decoder

    assert not process.exists()
