"""How like each enrolled subject a probe is.

Convention: vectors are L2-normalised and of one model; ``labels`` number the subjects from 0, and
each number up to the highest occurs.
"""

import numpy as np
from jaxtyping import Float32, Int


def subject_prototypes(
    vectors: Float32[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]
) -> Float32[np.ndarray, "subjects d"]:
    """Return each subject's mean vector, scaled to length 1.

    >>> subject_prototypes(np.eye(2, dtype=np.float32)[[0, 0, 1]], np.array([0, 0, 1])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, labels, vectors)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def nearest_similarities(
    probes: Float32[np.ndarray, "m d"],
    vectors: Float32[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
) -> Float32[np.ndarray, "m subjects"]:
    """Return the cosine of each probe with the most similar face of each subject."""
    best = np.full((int(labels.max()) + 1, len(probes)), -1, np.float32)
    np.maximum.at(best, labels, vectors @ probes.T)
    return best.T
