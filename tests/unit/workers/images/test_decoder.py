import io
import os
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import CorruptImageError, ImageTooLargeError, UnsupportedImageError
from app.imaging.inspect import ImageLimits
from workers.images.decode import decode_image
from workers.images.decoder import ConfinedDecoder

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
        np.testing.assert_array_equal(decoder.decode(data), decode_image(data, limits=LIMITS))


def test_pixels_stay_when_the_next_image_is_decoded(decoder):
    first = decoder.decode(photograph())
    before = first.copy()
    decoder.decode(encoded(Image.new("RGB", (200, 200))))

    np.testing.assert_array_equal(first, before)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", CorruptImageError),
        (photograph()[:500], CorruptImageError),
        (encoded(Image.new("RGB", (64, 64)), "GIF"), UnsupportedImageError),
        (encoded(Image.new("1", (6000, 6000))), ImageTooLargeError),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_and_costs_no_process(decoder, data, kind):
    decoder.decode(photograph())
    child = child_of(decoder)

    with pytest.raises(kind):
        decoder.decode(data)

    assert child_of(decoder) == child


def test_the_error_says_what_the_limit_is(decoder):
    with pytest.raises(ImageTooLargeError, match="25,000,000"):
        decoder.decode(encoded(Image.new("1", (6000, 6000))))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "I;16", "PA"])
def test_the_largest_image_of_every_kind_of_pixels_fits_the_memory(decoder, mode):
    if mode == "PA":
        largest = encoded(Image.new("P", (5000, 5000)), transparency=0)
    elif mode == "CMYK":
        largest = encoded(Image.new(mode, (5000, 5000)), "JPEG")
    else:
        largest = encoded(Image.new(mode, (5000, 5000)))

    assert decoder.decode(largest).shape == (5000, 5000, 3)


def test_a_process_that_dies_of_an_image_is_replaced(decoder):
    decoder.decode(photograph())
    child = child_of(decoder)
    os.kill(child, signal.SIGSTOP)
    os.kill(child, signal.SIGSEGV)  # taken once it goes on
    os.kill(child, signal.SIGCONT)

    with pytest.raises(CorruptImageError):
        decoder.decode(photograph())

    assert decoder.decode(photograph()).shape == (90, 120, 3)
    assert child_of(decoder) != child


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
