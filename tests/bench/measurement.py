"""All that one run of the benchmark has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.agreement import Agreement
    from tests.bench.latency import Latencies
    from tests.bench.memory import Start
    from tests.bench.photographs import PhotographSet
    from tests.bench.race import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The figures, before anything is made of them."""

    machine: dict[str, str]
    cores: int
    sets: list[PhotographSet]
    turns: Turns
    latencies: Latencies
    #: Seconds per image of each bulk submit.
    bulk_submit_s: list[float]
    bulk_images: int
    #: By set and by what is compared with what.
    agreements: dict[str, dict[str, Agreement]]
    #: The part of the reference's detection that a stand-in for torchvision took, by set.
    stand_in_shares: dict[str, float]
    #: MB of each inference process, by the number of images that the service had had.
    resident_mb: dict[int, list[float]]
    start: Start
