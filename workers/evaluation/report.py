"""A measurement as text for people and as JSON for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    if compared := report["all_pairs"]:
        yield ""
        yield from _all_pairs(compared)
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
    for label, name in (("as shipped", ""), ("fitted elsewhere", "_unseen")):
        yield (
            f"  calibration error    {_percent(found[f'calibration_error{name}'])}, "
            f"Cllr {found[f'likelihood_ratio_cost{name}']:.4f} bits, {label}"
        )


def _all_pairs(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"All pairs: {found['photographs']} photographs of {found['people']} people, "
        f"{found['genuine']} genuine and {found['impostors']} impostor pairs"
    )
    for rate in ("1e-3", "1e-4"):
        yield (
            f"  TAR at FMR {rate}      {_percent(found[f'tar_at_fmr_{rate}'])} "
            f"{_interval(found[f'tar_at_fmr_{rate}_interval'])} "
            f"(cosine {found[f'threshold_at_fmr_{rate}']:.3f})"
        )
    for name, row in found.get("by_quality", {}).items():
        poor, others = row["poor"], row["others"]
        yield (
            f"  poorest by {name:<10}  FNMR {_percent(poor['fnmr'])} "
            f"{_interval(poor['fnmr_interval'])}, FMR {_percent(poor['fmr'])}; "
            f"others FNMR {_percent(others['fnmr'])}, FMR {_percent(others['fmr'])}"
        )


def _identification(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Identification: {found['probes']} probes of {found['people']} people, "
        f"{found['strangers']} strangers; {found['lost_probes']} + {found['lost_strangers']} "
        "searches without a face"
    )
    yield (
        "  people  matcher      rank 1   DIR at FPIR 1 %    at 0.1 %           "
        "as set for 1 % and for 0.1 %"
    )
    for name, row in found["matchers"].items():
        yield _row(found["people"], name, {key: (row[key], None) for key in row})
        for rate in _RATES:
            cells = [f"DIR {_interval(row[f'dir_at_fpir_{rate}_interval'])}"]
            if f"fpir_reached_for_{rate}_interval" in row:
                cells.append(f"FPIR reached {_interval(row[f'fpir_reached_for_{rate}_interval'])}")
            yield f"          95 % intervals at FPIR {rate}: {', '.join(cells)}"
    for split in found["splits"]:
        for name, row in split["matchers"].items():
            spread = {key: (cell["mean"], cell["deviation"]) for key, cell in row.items()}
            yield _row(split["people"], name, spread)


def _row(people: int, name: str, cells: Mapping[str, tuple[float, float | None]]) -> str:
    rank1, one, tenth = (
        f"{mean:.3f}" if deviation is None else f"{mean:.3f} +- {deviation:.3f}"
        for mean, deviation in (cells[key] for key in _CELLS)
    )
    line = f"  {people:>6}  {name:<11}  {rank1[:5]}    {one:<17}  {tenth:<17}"
    reached = [
        f"FPIR {_percent(cells[f'fpir_reached_for_{rate}'][0])}, "
        f"DIR {cells[f'dir_reached_for_{rate}'][0]:.3f}"
        for rate in _RATES
        if f"fpir_reached_for_{rate}" in cells
    ]
    return f"{line}  {'; '.join(reached)}".rstrip()


def _interval(edges: Sequence[float]) -> str:
    return f"({_percent(edges[0])} to {_percent(edges[1])})"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
