"""The measurement as Markdown for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING

from tests.bench import race
from tests.bench.figures import percentile, ratio
from tests.bench.plots import draw
from tests.bench.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.bench.measurement import Measurement

_PER_CORE = {
    race.README: 1,
    race.CAREFUL: 1,
    race.ONE_BY_ONE: 1,
    race.BATCHED: 1,
}


def write_report(found: Measurement, folder: Path) -> str:
    """Write report.md, report.json and the plots; return the Markdown."""
    text = "\n\n".join(
        [
            "# Benchmark",
            _machine(found),
            *(_throughput(found, name) for name in found.turns),
            _service_share(found),
            _parts(found),
            _latency(found),
            _agreement(found),
            _memory(found),
        ]
    )
    (folder / "report.md").write_text(text + "\n")
    (folder / "report.json").write_text(json.dumps(asdict(found), indent=1, default=str) + "\n")
    draw(found, folder)
    return text


def _machine(found: Measurement) -> str:
    lines = [f"- {name}: {value}" for name, value in found.machine.items()]
    lines += [f"- {photographs.name}: {photographs.note}" for photographs in found.sets]
    return "\n".join(lines)


def _throughput(found: Measurement, name: str) -> str:
    """Images per second, per core too, and as ratios to both loops on one core."""
    turns = found.turns[name]
    per_core = {
        entry: [turn.images_per_s / _PER_CORE.get(entry, found.cores) for turn in own]
        for entry, own in turns.items()
    }
    rows = [
        (
            entry,
            median(turn.images_per_s for turn in own),
            median(per_core[entry]),
            median(1000 * turn.cpu_s / turn.images for turn in own),
            ratio(per_core[entry], per_core[race.README]),
            ratio(per_core[entry], per_core[race.CAREFUL]),
        )
        for entry, own in turns.items()
    ]
    rounds = len(next(iter(turns.values())))
    head = ("", "images/s", "per core", "CPU ms/image", "x README loop", "x same work")
    return (
        f"## {name}, median of {rounds} rounds\n\n{table(head, rows)}\n\n"
        "Ratios are per core, round by round: median (least-most)."
    )


def _service_share(found: Measurement) -> str:
    rows = [
        (name, entry, ratio(_speeds(turns[entry]), _speeds(turns[race.ALL_CORES])))
        for name, turns in found.turns.items()
        for entry in (race.SERVICE_SINGLE, race.SERVICE_BULK)
    ]
    head = ("photographs", "", "share of the pipeline in process on all cores")
    return f"## The service beside its own pipeline\n\n{table(head, rows)}"


def _speeds(turns: Sequence[race.Turn]) -> list[float]:
    return [turn.images_per_s for turn in turns]


def _parts(found: Measurement) -> str:
    rows = []
    for name, turns in found.turns.items():
        for entry in (race.SERVICE_SINGLE, race.SERVICE_BULK):
            own = turns[entry]
            parts = sorted({part for turn in own for part in turn.cpu_by_part})
            rows += [
                (
                    name,
                    entry,
                    part,
                    median(1000 * turn.cpu_by_part.get(part, 0.0) / turn.images for turn in own),
                )
                for part in parts
            ]
    return "## Where the service's time goes\n\n" + table(
        ("photographs", "", "part", "CPU ms/image"), rows
    )


def _latency(found: Measurement) -> str:
    latencies = found.latencies
    series = {
        "the same work in process": latencies.in_process,
        "one request, Prefer: wait": latencies.waiting,
        "submit, then a request that waits": latencies.polling,
        "added by Prefer: wait": latencies.added_by_waiting,
        "added by submit and wait": latencies.added_by_polling,
        f"bulk submit of {found.bulk_images}, each image": found.bulk_submit_s,
    }
    rows = [
        (name, len(values), *(1000 * percentile(values, share) for share in (0.5, 0.99)))
        for name, values in series.items()
    ]
    return "## Idle: milliseconds\n\n" + table(("", "times", "p50", "p99"), rows)


def _agreement(found: Measurement) -> str:
    rows = [
        (
            name,
            pair,
            figures.faces,
            figures.recall,
            figures.extra,
            figures.box_median_px,
            figures.box_worst_px,
            f"{figures.cosine_least:.5f}",
        )
        for name, of_set in found.agreements.items()
        for pair, figures in of_set.items()
    ]
    head = ("photographs", "against", "faces", "recall", "extra", "px median", "worst", "cos least")
    shares = ", ".join(f"{share:.1%} ({name})" for name, share in found.stand_in_shares.items())
    return (
        f"## The same faces?\n\n{table(head, rows)}\n\n"
        f"Of the reference's detection, stand-ins for torchvision took {shares}."
    )


def _memory(found: Measurement) -> str:
    rows: list[tuple[str, float]] = [
        (f"MB of inference process {number + 1} after {images} images", size)
        for images, sizes in found.resident_mb.items()
        for number, size in enumerate(sizes)
    ]
    rows += [
        ("seconds until the inference worker was ready", found.start.worker_s),
        ("processor seconds of an inference process by then", found.start.child_cpu_s),
    ]
    if found.start.stack_s is not None:
        rows.append(("seconds until the whole stack was ready", found.start.stack_s))
    return "## Memory and start\n\n" + table(("", "value"), rows)
