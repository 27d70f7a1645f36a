"""A measurement as text for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RATES = ("1e-2", "1e-3")
_CELLS = ("rank1", "dir_at_fpir_1e-2", "dir_at_fpir_1e-3")


def table(report: Mapping[str, Any]) -> str:
    """Return the figures as a few lines each for verification and identification."""
    return "\n".join(_lines(report))


def last_line(report: Mapping[str, Any]) -> str:
    """Return the whole report as one line of JSON."""
    return json.dumps(report, sort_keys=False)


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    setup = report["setup"]
    yield f"{setup['model']} on {setup['engine']}, crop {setup['crop']}"
    yield f"{setup['images']} images of {setup['data']}"
    yield (
        f"face meant: {setup['face_policy']}; images with several faces {setup['several_faces']}, "
        f"without a usable one {sum(setup['failures'].values())} {setup['failures'] or ''}"
    )
    if verification := report["verification"]:
        yield ""
        yield from _verification(verification)
    if identification := report["identification"]:
        yield ""
        yield from _identification(identification)


def _verification(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Verification: {found['pairs']} pairs, {found['not_compared']} of them not comparable"
    yield (
        f"  accuracy             {_percent(found['accuracy'])} +- "
        f"{_percent(found['accuracy_error'])} over {found['parts']} parts"
    )
    yield f"  area under the ROC   {found['auc']:.5f}"
    for rate in _RATES:
        yield (
            f"  FNMR at FMR {rate}     {_percent(found[f'fnmr_at_fmr_{rate}'])} "
            f"(cosine {found[f'threshold_at_fmr_{rate}']:.3f})"
        )
    yield f"  calibration error    {_percent(found['calibration_error'])} as shipped, "
    yield f"                       {_percent(found['calibration_error_unseen'])} fitted elsewhere"


def _identification(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Identification: {found['probes']} probes of {found['people']} people, "
        f"{found['strangers']} strangers; {found['lost_probes']} + {found['lost_strangers']} "
        "searches without a face"
    )
    yield "  people  matcher      rank 1   DIR at FPIR 1 %    at 0.1 %           as set for 1 %"
    for name, row in found["matchers"].items():
        yield _row(found["people"], name, {key: (row[key], None) for key in row})
    for split in found["splits"]:
        for name, row in split["matchers"].items():
            cells = {key: (cell["mean"], cell["deviation"]) for key, cell in row.items()}
            yield _row(split["people"], name, cells)


def _row(people: int, name: str, cells: Mapping[str, tuple[float, float | None]]) -> str:
    rank1, one, tenth = (
        f"{mean:.3f}" if deviation is None else f"{mean:.3f} +- {deviation:.3f}"
        for mean, deviation in (cells[key] for key in _CELLS)
    )
    line = f"  {people:>6}  {name:<11}  {rank1[:5]}    {one:<17}  {tenth:<17}"
    if "fpir_reached_for_1e-2" not in cells:
        return line.rstrip()
    return (
        f"{line}  FPIR {_percent(cells['fpir_reached_for_1e-2'][0])}, "
        f"DIR {cells['dir_reached_for_1e-2'][0]:.3f}"
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
