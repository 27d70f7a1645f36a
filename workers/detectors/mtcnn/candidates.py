"""Boxes under consideration, over all images of a batch."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

from workers.detectors.mtcnn.boxes import Boxes, shares_covered, suppress_overlaps

#: From here on a probability's distance from 1 is so few steps of float32 that two may be equal.
_NEARLY_CERTAIN = 12.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes that may hold a face, and the image that each one lies in."""

    boxes: Float32[np.ndarray, "n 4"]
    #: Probability of a face, rounded to float32 as the reference's: beyond 1 - 6e-8 all are equal,
    #: and the first of equals survives suppression.
    scores: Float32[np.ndarray, " n"]
    images: Int[np.ndarray, " n"]

    def take(self, index: np.ndarray) -> "Candidates":
        """Return some of them, in the order of ``index``."""
        return Candidates(self.boxes[index], self.scores[index], self.images[index])


def no_candidates() -> Candidates:
    """Return none."""
    return Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))


def probabilities(logits: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Turn logits into scores as the reference has them."""
    return np.float32(1) / (1 + np.exp(-logits))


def suppress(
    found: Candidates, groups: Int[np.ndarray, " n"], *, maximum_iou: float
) -> Int[np.ndarray, " kept"]:
    """Suppress overlaps within each group; return the indices of what is kept."""
    kept = [
        own[suppress_overlaps(found.boxes[own], found.scores[own], maximum_iou=maximum_iou)]
        for own in indices_by_value(groups)
    ]
    return np.concatenate(kept) if kept else np.empty(0, np.intp)


def may_survive(
    boxes: Boxes,
    logits: Float32[np.ndarray, " n"],
    *,
    maximum_share: float,
    logit_error: float,
    share_error: float,
) -> Bool[np.ndarray, " n"]:
    """Return which boxes ``suppress_contained`` might keep if it knew them exactly.

    The boxes of one image are known up to an error of their logits and of the shares that they
    cover of each other. A box is out if a surely better one surely covers it and is itself safe
    from all that might be better. None is out where two scores may be equal in float32: which of
    equals survives follows from all the others.
    """
    if np.count_nonzero(logits > _NEARLY_CERTAIN - logit_error) > 1:
        return np.ones(len(boxes), np.bool_)
    shares = shares_covered(boxes)
    lead = logits[None, :] - logits[:, None]  # of the column over the row
    others = ~np.eye(len(boxes), dtype=np.bool_)
    threatened = (lead >= -2 * logit_error) & (shares > maximum_share - share_error) & others
    safe = ~threatened.any(axis=1)
    beaten = (lead > 2 * logit_error) & (shares > maximum_share + share_error) & safe[None, :]
    return ~beaten.any(axis=1)


def indices_by_value(values: Int[np.ndarray, " n"]) -> list[Int[np.ndarray, " _"]]:
    """Return the indices of each value, values ascending.

    >>> [own.tolist() for own in indices_by_value(np.array([7, 5, 7]))]
    [[1], [0, 2]]
    """
    if not len(values):
        return []
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1)
