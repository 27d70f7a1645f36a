"""Faces to search among: as many as are wanted, lying about as a model's real ones do.

What makes a search through a graph hard is in how many directions neighbours differ. Vectors drawn
evenly from the sphere are far harder than faces: their estimated local dimension, among as many
vectors as the cohort of ``facenet-msceleb-128`` has, is 49 where the real faces' is 21, and nobody
would store them. So people are drawn from the Gaussian with the mean and the covariance of that
cohort, 755 strangers; their local dimension is 27, a little on the hard side. A person's
photographs differ from each other by noise of the same covariance, as much as the cohort's
genuine cosines say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workers.matching.cohort import Cohort

_FACES_EACH = 5
_CHUNK = 50_000
#: Of a face's variance, the part outside the cohort's own directions where vectors are longer than
#: the cohort's: the directions in which faces differ hardly grow with the length of the vector.
_ELSEWHERE = 0.05
#: Nearest faces to look at for the nearest subjects; more are taken where these are of too few.
_ENOUGH = 40


@dataclass(frozen=True, slots=True)
class Population:
    """Faces with the numbers of their subjects; vectors are float32 of length 1."""

    vectors: np.ndarray
    subjects: np.ndarray
    #: Probes that are nowhere enrolled: half show someone enrolled, half do not.
    probes: np.ndarray


def populate(
    count: int, *, dimension: int, probes: int, cohort: Cohort, seed: int = 11
) -> Population:
    """Make a population of about five faces a person, the same one for the same seed."""
    crowd = _Crowd(cohort, dimension, np.random.default_rng(seed))
    people = -(-count // _FACES_EACH)
    centres = np.empty((people, dimension), np.float32)
    for start in range(0, people, _CHUNK):
        some = centres[start : start + _CHUNK]
        some[:] = crowd.people(len(some))
    subjects = crowd.random.permutation(np.repeat(np.arange(people), _FACES_EACH)[:count])
    vectors = np.empty((count, dimension), np.float32)
    for start in range(0, count, _CHUNK):
        own = subjects[start : start + _CHUNK]
        vectors[start : start + _CHUNK] = crowd.photographs(centres[own])
    known = crowd.photographs(centres[crowd.random.choice(people, probes // 2)])
    strangers = crowd.photographs(crowd.people(probes - len(known)))
    mixed = crowd.random.permutation(np.concatenate([known, strangers]))
    return Population(vectors, subjects, mixed)


def nearest_subjects(
    vectors: np.ndarray, subjects: np.ndarray, probe: np.ndarray, *, limit: int
) -> set[int]:
    """Find the subjects with the faces nearest to a probe, by comparing all of them."""
    similarities = vectors @ probe
    count = min(_ENOUGH * limit, len(subjects))
    while True:
        nearest = np.argpartition(-similarities, count - 1)[:count]
        nearest = nearest[np.argsort(-similarities[nearest], kind="stable")]
        found = dict.fromkeys(int(subject) for subject in subjects[nearest])
        if len(found) >= limit or count == len(subjects):
            return set(list(found)[:limit])
        count = min(4 * count, len(subjects))


class _Crowd:
    """Draws people, and photographs of them."""

    def __init__(self, cohort: Cohort, dimension: int, random: np.random.Generator) -> None:
        self.random = random
        self._genuine = np.clip(cohort.genuine, 0, 1)
        own = cohort.strangers.shape[1]
        mean, covariance = cohort.strangers.mean(0), np.cov(cohort.strangers.T)
        variances, directions = np.linalg.eigh(covariance)
        spread = (directions * np.sqrt(np.maximum(variances, 0))).T
        self._mean = np.zeros(dimension, np.float32)
        self._mean[:own] = mean[:dimension]
        self._spread = np.zeros((own, dimension), np.float32)
        self._spread[:, :own] = spread[:, :dimension]
        self._elsewhere = (
            (_ELSEWHERE * variances.sum() / (dimension - own)) ** 0.5 if dimension > own else 0.0
        )
        if dimension > own:  # turned, so that no coordinate is a real one
            turn = np.linalg.qr(random.standard_normal((dimension, dimension)))[0]
            self._mean, self._spread = (
                (part @ turn).astype(np.float32) for part in (self._mean, self._spread)
            )

    def people(self, count: int) -> np.ndarray:
        return _unit(self._mean + self._deviations(count))

    def photographs(self, centres: np.ndarray) -> np.ndarray:
        """Return one photograph for each centre.

        Two photographs of one centre lie at the product of their cosines to it, in the mean.
        """
        cosines = np.sqrt(self.random.choice(self._genuine, (len(centres), 1))).astype(np.float32)
        noise = _unit(self._deviations(len(centres)))
        return _unit(cosines * centres + np.sqrt(1 - cosines**2) * noise)

    def _deviations(self, count: int) -> np.ndarray:
        draw = self.random.standard_normal((count, len(self._spread)), dtype=np.float32)
        deviations = draw @ self._spread
        if self._elsewhere:
            other = self.random.standard_normal(deviations.shape, dtype=np.float32)
            deviations += np.float32(self._elsewhere) * other
        return deviations


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
