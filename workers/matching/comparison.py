"""How well a model distinguishes the people of one collection, by their own faces.

Every face is searched for among all others, so a test needs no photographs. A search for a
face among the faces of other people alone is that of a stranger.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Float32, Int


class Comparison(TypedDict):
    """What was found; a figure is absent where there was nothing to find it by."""

    #: Faces that were searched for: of subjects with at least two.
    searches: int
    #: The part of them whose most similar other face shows the same subject.
    rank1: float | None
    #: The part that also reaches the threshold which the target's part of strangers reaches.
    identified: float | None
    #: That threshold, a cosine.
    threshold: float | None
    genuine_mean: float | None
    impostor_mean: float | None
    #: The distance of both means, in standard deviations: the root of the mean of both variances.
    separation: float | None


def compare_faces(
    vectors: Float32[np.ndarray, "n d"], subjects: Sequence[object], *, target_fpir: float
) -> Comparison:
    """Search for every face among all others; vectors are L2-normalised.

    >>> apart = np.eye(4, dtype=np.float32)[[0, 0, 1, 1]]
    >>> found = compare_faces(apart, ["Ann", "Ann", "Bob", "Bob"], target_fpir=0.01)
    >>> found["rank1"], found["genuine_mean"], found["impostor_mean"]
    (1.0, 1.0, 0.0)
    """
    numbers = {subject: number for number, subject in enumerate(dict.fromkeys(subjects))}
    labels: Int[np.ndarray, " n"] = np.array([numbers[one] for one in subjects], np.int64)
    cosines = vectors @ vectors.T if len(labels) else np.empty((0, 0), np.float32)
    same = labels[:, None] == labels[None]
    other = ~same
    np.fill_diagonal(same, val=False)
    own_best = np.where(same, cosines, -np.inf).max(axis=1, initial=-np.inf)
    stranger_best = np.where(other, cosines, -np.inf).max(axis=1, initial=-np.inf)
    searched = same.any(axis=1)
    strange = other.any(axis=1)
    threshold = rank1 = identified = separation = None
    if strange.any():
        threshold = float(np.quantile(stranger_best[strange], 1 - target_fpir, method="higher"))
    right = own_best[searched] > stranger_best[searched]
    if searched.any():
        rank1 = float(right.mean())
    if searched.any() and threshold is not None:
        identified = float((right & (own_best[searched] > threshold)).mean())
    genuine, impostor = cosines[same], cosines[other]
    if genuine.size and impostor.size:
        spread = np.sqrt((genuine.var() + impostor.var()) / 2)
        separation = float((genuine.mean() - impostor.mean()) / max(spread, 1e-6))
    return Comparison(
        searches=int(searched.sum()),
        rank1=rank1,
        identified=identified,
        threshold=threshold,
        genuine_mean=float(genuine.mean()) if genuine.size else None,
        impostor_mean=float(impostor.mean()) if impostor.size else None,
        separation=separation,
    )
