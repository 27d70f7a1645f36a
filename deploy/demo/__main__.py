"""`python -m deploy.demo`: enrol, recognise, leave one out, receive a signed webhook."""

from __future__ import annotations

import secrets
import signal
import sys
import time
from pathlib import Path

import click
import httpx

from deploy.demo.client import Answer, DemoError, call, recognise, run_job
from deploy.demo.receiver import Receiver, listening
from deploy.demo.samples import Probe, SamplesMissingError, photographs, probes
from deploy.demo.service import running_service
from deploy.local.paths import DEFAULT_STATE

_WEBHOOK_PATIENCE_S = 30.0
_COLUMNS = ("image", "expected", "answer", "decision", "probability", "ms")
_ROW = "{:<21} {:<15} {:<15} {:<9} {:>11} {:>5}  {}"


@click.command()
@click.option(
    "--samples",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=DEFAULT_STATE / "samples",
    help="A folder with train/<person>/*.jpg and val/<person>/*.jpg.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=DEFAULT_STATE / "demo",
    help="The folder of the demonstration's own service.",
)
def main(samples: Path, state: Path) -> None:
    """Show the whole service on the sample people; exit with 1 if an answer is wrong."""
    for end in (signal.SIGINT, signal.SIGTERM):  # a script's background job ignores SIGINT else
        signal.signal(end, signal.default_int_handler)
    begin = time.monotonic()
    try:
        people, asked = photographs(samples / "train"), probes(samples / "val")
        click.echo("Starting a service for the demonstration:")
        with running_service(state) as access, listening() as receiver:
            headers = {"Authorization": f"Bearer {access['admin_key']}"}
            with httpx.Client(base_url=access["base_url"], headers=headers, timeout=60) as http:
                right = show(http, receiver, people, asked)
            click.echo("\nStopping the service ...")
    except (DemoError, SamplesMissingError) as error:
        sys.exit(f"The demonstration failed. {error}")
    click.echo(f"Done in {time.monotonic() - begin:.1f} s.")
    sys.exit(0 if right else 1)


def show(
    http: httpx.Client, receiver: Receiver, people: dict[str, list[Path]], asked: list[Probe]
) -> bool:
    """Run both passes; return whether every answer was right. Raises: DemoError."""
    collection = f"demo-{secrets.token_hex(4)}"
    hook = call(
        http, "POST", "/v1/webhooks", json={"url": receiver.url, "events": ["job.succeeded"]}
    )
    call(http, "POST", "/v1/collections", json={"name": collection})
    *most, last = people
    click.echo(f"\nFirst pass: {last} is not enrolled, and must stay unknown.")
    for name in most:
        _enrol(http, collection, name, people[name])
    strangers = [Probe(probe.file, "unknown") for probe in asked if probe.expected == last]
    others = [probe for probe in asked if probe.expected != last]
    first = _recognise_all(http, collection, [*strangers, *others])

    click.echo(f"\nSecond pass: {last} is enrolled too, and everyone must be recognised.")
    _enrol(http, collection, last, people[last])
    second = _recognise_all(http, collection, asked)

    event = receiver.first(hook["secret"], patience_s=_WEBHOOK_PATIENCE_S)
    click.echo(
        f"\nA webhook came, its signature is right: {event['type']} at {event['timestamp']}."
    )
    call(http, "DELETE", f"/v1/webhooks/{hook['id']}")
    call(http, "DELETE", f"/v1/collections/{collection}")
    return first and second


def _enrol(http: httpx.Client, collection: str, name: str, files: list[Path]) -> None:
    begin = time.monotonic()
    job = run_job(http, f"/v1/collections/{collection}/faces", files, subject=name)
    elapsed_s = time.monotonic() - begin
    images = list(zip(files, job["result"]["images"], strict=True))
    faces = sum(len(image["faces"]) for _, image in images)
    click.echo(f"  enrolled {name}: {faces} of {len(files)} photographs, {elapsed_s:.1f} s")
    for file, image in images:
        if "error" in image:
            click.echo(f"    {file.name} refused: {image['error']['title'].lower()}")


def _recognise_all(http: httpx.Client, collection: str, asked: list[Probe]) -> bool:
    click.echo("  " + _ROW.format(*_COLUMNS, "").rstrip())
    answers: list[tuple[Probe, Answer]] = []
    for probe in asked:
        answer = recognise(http, collection, probe.file)
        answers.append((probe, answer))
        image = f"{probe.file.parent.name}/{probe.file.name}"
        figures = f"{answer.probability:.4f}", f"{answer.elapsed_ms:.0f}"
        verdict = "" if answer.subject == probe.expected else "WRONG"
        row = _ROW.format(image, probe.expected, answer.subject, answer.decision, *figures, verdict)
        click.echo(f"  {row}".rstrip())
    right = sum(answer.subject == probe.expected for probe, answer in answers)
    mean_ms = sum(answer.elapsed_ms for _, answer in answers) / len(answers)
    click.echo(f"  {right} of {len(answers)} right, {mean_ms:.0f} ms on average")
    return right == len(answers)


if __name__ == "__main__":
    main()
