"""The vector that stands for a face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """An L2-normalised vector together with the model that made it.

    Vectors of two models share no meaning, so everything that compares embeddings checks ``model``
    first.
    """

    #: The model's id in ``models_weights/manifest.toml``, such as ``facenet-msceleb-128``.
    model: str
    vector: tuple[float, ...]

    @property
    def dimension(self) -> int:
        """The number of values."""
        return len(self.vector)
