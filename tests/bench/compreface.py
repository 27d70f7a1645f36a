"""CompreFace's API under load: 8 clients that each send their next request after an answer.

A third of the time each: detect, recognise among the sample people, verify. Prints requests per
second and the time that half and 99 of 100 of the requests took, and how the front answers while
50 clients wait; writes the seconds of each request to a file.
"""

from __future__ import annotations

import io
import json
import secrets
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import click
import httpx
import numpy as np
from PIL import Image

from deploy.demo.service import running_service
from deploy.local.paths import PROJECT
from tests import command_line
from tests.bench.figures import percentile
from tests.bench.machine import describe
from tests.whole_service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BYTES = 540_000
_PIXELS = 2_000_000
#: While so many wait, in seconds: less than the work on all their photographs takes.
_CHECKED_S = 3.0
#: A few of the sample photographs show somebody beside.
_SEVERAL_FACES = 31


@click.command()
@click.option("--clients", default=8, show_default=True)
@click.option("--seconds", default=60, show_default=True, help="Length of the whole measurement.")
@click.option("--waiting", default=50, show_default=True, help="Clients beside the health checks.")
@click.option("--examples", default=100, show_default=True, help="Photographs enrolled, at most.")
@click.option(
    "--state",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of a service that runs, to be measured in place of one of its own.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=PROJECT / "var" / "bench",
    help="The folder of the figures.",
)
def main(
    clients: int, seconds: int, waiting: int, examples: int, state: Path | None, out: Path
) -> None:
    """Measure a service; write compreface.json."""
    people = sorted((PROJECT / "var" / "samples").glob("train/*/*.jpg"))[:examples]
    if not people:
        raise click.ClickException("no photographs: run `make weights`")
    out.mkdir(parents=True, exist_ok=True)
    photograph = enlarged(people[0])
    figures: dict[str, object] = {"machine": describe(), "photograph_bytes": len(photograph)}
    with (
        _measured(state) as service,
        httpx.Client(base_url=service.base_url, timeout=60, trust_env=False) as client,
    ):
        calls = prepare(service, client, people, photograph)
        click.echo(f"{clients} clients, a photograph of {len(photograph) / 1000:.0f} kB")
        for name, call in calls.items():
            times = load(call, clients=clients, seconds=seconds / len(calls))
            figures[name] = times
            click.echo(
                f"{name:10} {len(times) * len(calls) / seconds:6.1f} requests/s   "
                f"p50 {percentile(times, 0.5):5.2f} s   p99 {percentile(times, 0.99):5.2f} s"
            )
        checks = health_while_waiting(service.base_url, calls["recognize"], waiting=waiting)
        figures["health_while_waiting"] = checks
        click.echo(
            f"/health/live with {waiting} clients waiting, {len(checks)} times: "
            f"p50 {percentile(checks, 0.5) * 1000:.0f} ms   most {max(checks) * 1000:.0f} ms"
        )
    (out / "compreface.json").write_text(json.dumps(figures, indent=1) + "\n")
    click.echo(f"Written to {out}.")


@contextmanager
def _measured(state: Path | None) -> Iterator[Service]:
    """Give the service that runs in a folder, or one that runs for the measurement alone."""
    with ExitStack() as running:
        if state is None:
            state = Path(running.enter_context(tempfile.TemporaryDirectory()))
            running.enter_context(running_service(state))
        access = json.loads((state / "access.json").read_text())
        commands = running.enter_context(command_line.running())
        yield Service(access["base_url"], access["admin_key"], state, commands)


def prepare(
    service: Service, client: httpx.Client, people: list[Path], photograph: bytes
) -> dict[str, Callable[[], None]]:
    """Make services, enrol the sample people, and return a function for each kind of call."""
    own = ("--app", f"bench-{secrets.token_hex(4)}")
    keys = {
        kind: service.run_cli("service", "create", *own, "--name", kind, "--type", kind)
        for kind in ("recognition", "detection", "verify")
    }

    def post(kind: str, path: str, *, accepted: tuple[int, ...] = (), **files: bytes) -> None:
        parts = {name: ("photograph.jpg", data) for name, data in files.items()}
        answer = client.post(f"/api/v1/{path}", headers={"x-api-key": keys[kind]}, files=parts)
        if not answer.is_success and answer.json()["code"] not in accepted:
            raise RuntimeError(f"{path}: {answer.status_code} {json.dumps(answer.json())}")

    for file in people:
        path = f"recognition/faces?subject={file.parent.name}"
        post("recognition", path, accepted=(_SEVERAL_FACES,), file=file.read_bytes())
    other = people[-1].read_bytes()
    return {
        "detect": lambda: post("detection", "detection/detect", file=photograph),
        "recognize": lambda: post("recognition", "recognition/recognize", file=photograph),
        "verify": lambda: post(
            "verify", "verification/verify?limit=1", source_image=photograph, target_image=other
        ),
    }


def load(call: Callable[[], None], *, clients: int, seconds: float) -> list[float]:
    """Return the seconds that each request took which ended in time."""
    end = time.monotonic() + seconds

    def repeat() -> list[float]:
        times = []
        while (begun := time.monotonic()) < end:
            call()
            times.append(time.monotonic() - begun)
        return times

    with ThreadPoolExecutor(clients) as pool:
        return [one for times in pool.map(lambda _: repeat(), range(clients)) for one in times]


def health_while_waiting(base_url: str, call: Callable[[], None], *, waiting: int) -> list[float]:
    """Return how long health checks took, one after the other, while many clients waited.

    They are made by a process of their own: in this one they would wait for its clients' turns.
    """
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as prober,
        ThreadPoolExecutor(waiting) as clients,
    ):
        prober.submit(health_checks, base_url, 0.0).result()  # its imports take a second
        checks = prober.submit(health_checks, base_url, _CHECKED_S)
        for request in [clients.submit(call) for _ in range(waiting)]:
            request.result()
        return checks.result()


def health_checks(base_url: str, seconds: float) -> list[float]:
    """Return the seconds that each of at least one check took, some twenty a second."""
    end = time.monotonic() + seconds
    found = []
    with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client:
        while not found or time.monotonic() < end:
            begun = time.monotonic()
            client.get("/health/live").raise_for_status()
            found.append(time.monotonic() - begun)
            time.sleep(0.05)
    return found


def enlarged(file: Path) -> bytes:
    """Return a photograph of about two megapixels, grainy enough to be as large as asked for."""
    with Image.open(file) as opened:
        scale = (_PIXELS / (opened.width * opened.height)) ** 0.5
        size = round(opened.width * scale), round(opened.height * scale)
        smooth = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(0).standard_normal(smooth.shape)
    for strength in range(1, 30):
        target = io.BytesIO()
        grainy = np.clip(smooth + strength * grain, 0, 255).astype(np.uint8)
        Image.fromarray(grainy).save(target, "JPEG", quality=85)
        if target.tell() >= _BYTES:
            break
    return target.getvalue()


if __name__ == "__main__":
    sys.exit(main())
