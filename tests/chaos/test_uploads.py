"""Whatever is uploaded: an answer, and no process that dies of it."""

from __future__ import annotations

import io
import itertools
import socket
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image, UnidentifiedImageError

from app.domain.errors import ImageError
from tests.chaos.images import PROFILES, bombs, costly, encoded, malformed

SEED = 20_240_611
_SLUGS = {kind.slug for kind in ImageError.__subclasses__()}


@pytest.fixture(scope="module")
def portrait(photographs):
    """A photograph of one face, small enough to send thousands of."""
    image = Image.open(photographs[0]).convert("RGB")
    image.thumbnail((250, 250))
    return image


def _processes(service):
    """The pids of everything that could die of an image."""
    parents = service.processes()
    children = {
        child.pid
        for name in ("worker-inference", "web")
        for child in psutil.Process(parents[name]).children()
    }
    return {parents["web"], parents["worker-inference"]} | children


def _resident_mb(pids):
    return max(psutil.Process(pid).memory_info().rss / 2**20 for pid in pids)


def _outcome(http, data):
    """Submit an image, wait for its job, and name what became of it."""
    answer = http.post(
        "/v1/detections",
        content=data,
        headers={"content-type": "application/octet-stream", "prefer": "wait=50"},
    )
    document = answer.json()
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        return document["type"].rpartition("/")[2]
    assert answer.status_code == 200, "the job did not end in time"
    if document["state"] == "succeeded":
        return "succeeded"
    return document["error"]["type"].rpartition("/")[2]


def test_malformed_images_are_answered_one_by_one(service, portrait, size, finding):
    count = size(small=120, fast=1_000, full=5_000)
    images = list(itertools.islice(malformed(portrait, SEED), count))
    with service.client() as http, ThreadPoolExecutor(4) as senders:
        _outcome(http, encoded(portrait, "JPEG"))
        pids = _processes(service)
        before = _resident_mb(pids)
        outcomes = Counter(senders.map(lambda data: _outcome(http, data), images))
    grown = _resident_mb(pids) - before
    deaths = len(pids - _processes(service))
    others = set(outcomes) - {"succeeded"} - _SLUGS

    naive = Counter(map(_naively_decoded, images))
    unforeseen = {kind: n for kind, n in naive.items() if kind not in {"decoded", "refused"}}
    finding(
        test="T13",
        promise="Every malformed or exotic image is answered, and no process dies of it",
        n=count,
        figure=f"{outcomes['succeeded']} analysed, {count - outcomes['succeeded']} refused with a"
        f" problem of the image, {sum(outcomes[o] for o in others)} otherwise, {deaths} deaths,"
        f" {grown:+.0f} MB",
        passed=not others and not deaths and grown < 50,
        naive=f"{sum(unforeseen.values())} unforeseen exceptions of {len(unforeseen)} types",
        naive_failed=bool(unforeseen),
    )


def _naively_decoded(data):
    try:
        with warnings.catch_warnings(action="ignore"):
            Image.open(io.BytesIO(data)).convert("RGB")
    except UnidentifiedImageError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - whatever it is, is counted
        return type(error).__name__
    return "decoded"


def test_every_way_to_store_a_photograph_shows_the_same_face(service, photographs, finding):
    upright = Image.open(photographs[1]).convert("RGB")
    upright.thumbnail((600, 600))
    grey = upright.convert("L")
    printed = encoded(upright.convert("CMYK"), "JPEG", quality=95)
    heic = encoded(upright, "HEIF", quality=95)
    pairs = [(encoded(upright, "PNG"), way) for way in (*_ways(upright), printed, heic)]
    pairs.append((encoded(grey, "PNG"), encoded(_sixteen_bits(grey), "PNG")))
    worst_box, worst_cosine = 0.0, 1.0
    with service.client() as http:
        for plain, way in pairs:
            box, vector = _largest_face(http, plain)
            other_box, other = _largest_face(http, way)
            if way not in {printed, heic}:  # the compression moves the box by some pixels too
                worst_box = max(worst_box, float(np.abs(box - other_box).max()))
            worst_cosine = min(worst_cosine, float(vector @ other))

    wrong = sum(_read_naively_differ(plain, way) for plain, way in pairs)
    finding(
        test="T13",
        promise="Orientation, depth and colour model of a file do not change the face in it",
        n=len(pairs),
        figure=f"boxes within {worst_box:.1f} px, cosine at least {worst_cosine:.3f}",
        passed=worst_box <= 2 and worst_cosine >= 0.98,
        naive=f"{wrong} of {len(pairs)} read sideways or clipped",
        naive_failed=wrong > 0,
    )


def _read_naively_differ(plain, way):
    first, second = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32) for data in (plain, way)
    )
    return first.shape != second.shape or bool(np.abs(first - second).mean() > 30)


def _ways(upright):
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that EXIF undoes
    for orientation, turn in turns.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = upright.transpose(Image.Transpose(turn))
        yield encoded(turned, "PNG", exif=exif)
    yield encoded(upright.convert("RGBA"), "WEBP", lossless=True)
    yield encoded(upright, "BMP")
    yield encoded(upright, "TIFF", compression="tiff_lzw")


def _sixteen_bits(grey):
    return Image.fromarray(np.asarray(grey, np.uint16) * 257)


def _largest_face(http, data):
    answer = http.post(
        "/v1/embeddings",
        content=data,
        headers={"content-type": "application/octet-stream", "prefer": "wait=50"},
    )
    face = answer.json()["result"]["images"][0]["faces"][0]
    box = face["box"]
    corners = np.array([box[side] for side in ("x_min", "y_min", "x_max", "y_max")])
    return corners, np.array(face["embedding"])


def test_bombs_are_refused_by_their_first_bytes(service, portrait, at_most, finding):
    images = list(bombs())
    with service.client() as http:
        _outcome(http, encoded(portrait, "JPEG"))
        web = psutil.Process(service.processes()["web"])
        worst_s, survivors = 0.0, []
        for name, data in images:
            before = sum(web.cpu_times()[:2])
            answer = http.post("/v1/detections", content=data, headers={"content-type": "image/*"})
            worst_s = max(worst_s, sum(web.cpu_times()[:2]) - before)
            if answer.status_code not in {400, 413, 415}:
                survivors.append(name)
        resident = web.memory_info().rss / 2**20

    naive_s, naive_mb = _naive_bomb(images[0][1])
    finding(
        test="T14",
        promise="An image that would take gigabytes or minutes is refused before it is decoded",
        n=len(images),
        figure=f"{len(survivors)} accepted, at most {worst_s * 1000:.0f} ms of processor time each,"
        f" web process {resident:.0f} MB",
        passed=not survivors and worst_s < at_most(0.2) and resident < 200,
        naive=f"the first took {naive_s:.1f} s and {naive_mb:.0f} MB",
        naive_failed=naive_mb > 400,
    )


def test_files_that_keep_a_careless_reader_busy_cost_a_decoder_seconds_at_most(
    service, portrait, finding
):
    images = list(costly())
    with service.client() as http:
        _outcome(http, encoded(portrait, "JPEG"))
        pids = _processes(service)
        web = psutil.Process(service.processes()["web"])
        before = sum(web.cpu_times()[:2])
        outcomes = {name: _outcome(http, data) for name, data in images}
        front_s = (sum(web.cpu_times()[:2]) - before) / len(images)
    deaths = len(pids - _processes(service))
    others = {name: one for name, one in outcomes.items() if one not in {"succeeded", *_SLUGS}}
    naive_s = _naive_header(dict(images)[PROFILES])
    finding(
        test="T14",
        promise="An image that is costly to look at costs its own job a bounded time",
        n=len(images),
        figure=f"{sum(one == 'succeeded' for one in outcomes.values())} analysed, {len(others)}"
        f" unanswered, {deaths} deaths, {front_s * 1000:.0f} ms of the front's processor time each",
        passed=not others and not deaths and front_s < 0.2,
        naive=f"the header of the {PROFILES} took {naive_s:.1f} s of processor time",
        naive_failed=naive_s > 0.2,
    )


def _naive_header(data):
    begin = time.process_time()
    Image.open(io.BytesIO(data))
    return time.process_time() - begin


def _naive_bomb(data):
    begin = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return time.process_time() - begin, pixels.nbytes / 2**20


def test_stalled_senders_do_not_keep_others_from_being_served(service, size, at_most, finding):
    count = size(small=20, fast=100, full=150)
    seconds = size(small=3, fast=25, full=40)
    host, port = service.base_url.removeprefix("http://").split(":")
    worst, cut = _worst_health(
        (host, int(port)), service.base_url, count, seconds, patience_s=at_most(3)
    )

    with _two_threads() as (address, url):
        naive, _ = _worst_health(address, url, count, 3, patience_s=3)
    finding(
        test="T15",
        promise="Senders who stall or drip are cut after 20 s and delay no one",
        n=count,
        figure=f"health answered within {worst * 1000:.0f} ms, {cut} of {count} cut after"
        f" {seconds} s",
        passed=worst < at_most(1) and (seconds < 25 or cut == count),
        naive=f"health answered after {naive * 1000:.0f} ms"
        if naive < 3
        else "health was not answered at all",
        naive_failed=naive > 1,
    )


def _worst_health(address, url, count, seconds, *, patience_s):
    """Drip ``count`` requests; return the longest wait for health, and how many were cut."""
    heads = itertools.cycle(
        [
            b"POST /v1/detections HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n",
            b"POST /v1/detections HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Half-A-Head",
        ]
    )
    worst = 0.0
    with (
        ExitStack() as stack,
        httpx.Client(base_url=url, timeout=patience_s, trust_env=False) as http,
    ):
        senders = [
            stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(count)
        ]
        for sender, head in zip(senders, heads, strict=False):
            sender.sendall(head)
        cut: set[int] = set()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            with suppress(httpx.TransportError):
                http.get("/health/live")
            worst = max(worst, time.monotonic() - begin)
            for sender in senders:
                if _is_cut(sender):
                    cut.add(sender.fileno())
            time.sleep(0.2)
    return worst, len(cut)


def _is_cut(sender):
    """Send one more byte, and tell whether an answer or the end came instead."""
    try:
        sender.sendall(b"1")
        sender.setblocking(False)
        sender.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True
    else:
        return True
    finally:
        sender.settimeout(5)


class _Naive(BaseHTTPRequestHandler):
    """A front that gives a sender a thread from the first byte on."""

    timeout = 10

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 900_000)))
        self.do_GET()

    def log_message(self, *_):
        """Say nothing."""


class _PatientlyListening(HTTPServer):
    request_queue_size = 500


class _two_threads:  # noqa: N801 - a context manager that reads as a phrase
    """Run the naive front on two threads."""

    def __enter__(self):
        self._server = _PatientlyListening(("127.0.0.1", 0), _Naive)
        self._threads = [Thread(target=self._serve, daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()
        address = self._server.server_address
        return address, f"http://{address[0]}:{address[1]}"

    def _serve(self):
        with suppress(OSError):
            self._server.serve_forever(poll_interval=0.1)

    def __exit__(self, *_):
        self._server.socket.close()
