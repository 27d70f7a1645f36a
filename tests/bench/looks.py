"""What the contestants see on the photographs that they were timed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import mean
from typing import TYPE_CHECKING

from tests.bench import race
from tests.bench.agreement import Agreement, compare
from tests.bench.contestants import crew
from tests.bench.own_pipeline import default, pipeline_loop
from tests.bench.reference import careful_loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.contestants import Crew
    from tests.bench.photographs import PhotographSet

#: facenet-pytorch's own smallest face.
_THEIR_MIN_FACE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Looks:
    """What became of comparing one set."""

    agreements: dict[str, Agreement]
    stand_in_share: float


def look(crews: dict[str, Crew], sets: Sequence[PhotographSet]) -> dict[str, Looks]:
    """Compare the pipeline with the reference, at its own and at the reference's smallest face.

    For this the pipeline cuts faces as the reference does, whatever its default has become.
    """
    model, batch = str(default("model")), int(default("batch_size"))
    alike = partial(pipeline_loop, threads=1, batch=batch, crop="margin-14")
    their_own = partial(careful_loop, threads=1, model=model, min_face_size=_THEIR_MIN_FACE_SIZE)
    found: dict[str, Looks] = {}
    with crew(alike) as pipeline, crew(their_own) as default_loop:
        for photographs in sets:
            ours = pipeline.look(photographs.files)
            same = crews[race.CAREFUL].look(photographs.files)
            smaller = default_loop.look(photographs.files)
            smallest = default("min_face_size")
            found[photographs.name] = Looks(
                {
                    f"facenet-pytorch, faces from {smallest} px": compare(same, ours),
                    f"facenet-pytorch, faces from {_THEIR_MIN_FACE_SIZE} px": compare(
                        smaller, ours
                    ),
                },
                mean(seen.stand_in_share for seen in same),
            )
    return found
