"""Faces to search among: real ones, and made ones that lie about as real ones do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.contestants import crew
from tests.bench.own_pipeline import pipeline_loop
from tests.bench.photographs import small_photographs

if TYPE_CHECKING:
    from pathlib import Path

_REAL = 300
_BATCH = 8
_FACES_EACH = 5
#: Cosine between two photographs of one person, about the median of FaceNet's on LFW.
_OWN_COSINE = 0.75


@dataclass(frozen=True, slots=True)
class Population:
    """Faces with the numbers of their subjects; vectors are float32 of length 1."""

    vectors: np.ndarray
    subjects: np.ndarray
    #: Probes that are nowhere enrolled: half show someone enrolled, half do not.
    probes: np.ndarray


def populate(count: int, *, dimension: int, probes: int, real: np.ndarray) -> Population:
    """Make a population of about five faces a person, always the same one.

    Half of the people lie around real faces, where there are some of this dimension: real faces
    crowd in a part of the sphere, which is what makes a search through a graph hard or easy. The
    others lie anywhere.
    """
    random = np.random.default_rng(11)
    people = -(-count // _FACES_EACH)
    centres = random.standard_normal((people, dimension), dtype=np.float32)
    if len(real) and real.shape[1] == dimension:
        around = random.choice(len(real), people // 2)
        centres[: people // 2] = _near(_unit(real[around]), 0.5, random)
    centres = _unit(centres)
    subjects = random.permutation(np.repeat(np.arange(people), _FACES_EACH)[:count])
    vectors = np.empty((count, dimension), np.float32)
    for start in range(0, count, 100_000):
        own = subjects[start : start + 100_000]
        vectors[start : start + 100_000] = _near(centres[own], _OWN_COSINE**0.5, random)
    known = _near(centres[random.choice(people, probes // 2)], _OWN_COSINE**0.5, random)
    strangers = _unit(random.standard_normal((probes - len(known), dimension), dtype=np.float32))
    return Population(vectors, subjects, random.permutation(np.concatenate([known, strangers])))


def real_vectors(file: Path) -> np.ndarray:
    """Return the embeddings of some photographs, kept in ``file`` from run to run."""
    if not file.exists():
        with crew(_embedding) as pipeline:
            seen = pipeline.look(small_photographs(_REAL).files)
        np.save(file, np.concatenate([one.vectors for one in seen if len(one.vectors)]))
    vectors: np.ndarray = np.load(file).astype(np.float32)
    return vectors


def nearest_subjects(
    vectors: np.ndarray, subjects: np.ndarray, probe: np.ndarray, *, limit: int
) -> set[int]:
    """Find the subjects with the faces nearest to a probe, by comparing all of them."""
    found: dict[int, None] = {}
    for subject in subjects[np.argsort(-(vectors @ probe), kind="stable")]:
        found[int(subject)] = None
        if len(found) == limit:
            break
    return set(found)


def _embedding() -> object:
    return pipeline_loop(threads=1, batch=_BATCH)


def _near(centres: np.ndarray, cosine: float, random: np.random.Generator) -> np.ndarray:
    """Return vectors at about this cosine from the centres, in any direction."""
    noise = _unit(random.standard_normal(centres.shape, dtype=np.float32))
    return _unit(cosine * centres + np.float32((1 - cosine**2) ** 0.5) * noise)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
