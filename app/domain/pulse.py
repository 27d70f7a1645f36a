"""Signs of life of the parts that work without being asked."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A part of the service that reports from time to time that it works."""

    #: What is accepted can be stored.
    FRONT = "front"
    #: An inference process takes tasks and has its models.
    INFERENCE = "inference"
    #: Lost jobs and due deliveries are looked for.
    SWEEP = "sweep"
    #: The one sign of trouble: an inference process will not load the weights that it finds.
    WEIGHTS_REFUSED = "weights-refused"
