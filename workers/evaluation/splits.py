"""Identification over collections of several sizes and several choices of people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from workers.evaluation.dataset import Photograph
from workers.evaluation.identification import Searches, intervals, search, summary, trial
from workers.evaluation.matchers import DEFAULT_MATCHER, Matcher

SIZES = (50, 100)


def measure(
    photographs: Sequence[Photograph],
    vectors: Mapping[str, Float32[np.ndarray, " d"]],
    *,
    matchers: Mapping[str, Matcher],
    splits: int,
    progress: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Searches]]:
    """Measure the data's own trial, then ``splits`` random choices of each size.

    A choice is of the people, where there are more, and of which photographs of each are enrolled.
    The strangers are the same in every choice, so choices tell little about the FPIR.

    Returns the figures, led by those of the default matcher, and for the data's own trial the
    searches of every matcher.
    """
    people = sorted({p.subject for p in photographs if p.role == "enrol"})
    whole = trial(photographs, vectors, people)
    searches = {}
    for name, matcher in matchers.items():
        progress(f"{len(people)} people, {name}")
        searches[name] = search(whole, matcher)
    headline = DEFAULT_MATCHER if DEFAULT_MATCHER in searches else next(iter(searches))
    result: dict[str, Any] = {
        "matcher": headline,
        **summary(searches[headline]),
        "people": len(people),
        "probes": len(whole.probes) + whole.lost_probes,
        "strangers": len(whole.strangers) + whole.lost_strangers,
        "lost_probes": whole.lost_probes,
        "lost_strangers": whole.lost_strangers,
        "matchers": {name: summary(found) | intervals(found) for name, found in searches.items()},
        "splits": [],
    }
    random = np.random.default_rng(0)
    for size in (*(size for size in SIZES if size < len(people)), len(people)):
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in matchers}
        for number in range(splits):
            chosen = random.choice(people, size, replace=False).tolist()
            part = trial(shuffled(photographs, random), vectors, chosen)
            for name, matcher in matchers.items():
                progress(f"{size} people, split {number + 1} of {splits}, {name}")
                rows[name].append(summary(search(part, matcher)))
        result["splits"].append(
            {
                "people": size,
                "splits": splits,
                "matchers": {name: _spread(found) for name, found in rows.items()},
            }
        )
    return result, searches


def shuffled(photographs: Sequence[Photograph], random: np.random.Generator) -> list[Photograph]:
    """Enrol as many photographs of each person as before, but others of theirs."""
    own: dict[str, list[Photograph]] = {}
    for photograph in photographs:
        own.setdefault(photograph.subject, []).append(photograph)
    return [
        replace(one, file=other.file)
        for ones in own.values()
        for one, other in zip(ones, (ones[i] for i in random.permutation(len(ones))), strict=True)
    ]


def _spread(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return mean and standard deviation of each figure over the splits."""
    return {
        key: {
            "mean": float(np.mean([row[key] for row in rows])),
            "deviation": float(np.std([row[key] for row in rows], ddof=1)) if rows[1:] else 0.0,
        }
        for key in rows[0]
    }
