"""The parameters of the submitting calls in their URL form."""

from __future__ import annotations

from app.api.schemas.jobs import WaitQuery
from app.api.schemas.submissions import (
    DetectionParameters,
    EmbeddingParameters,
    EnrolmentParameters,
    RecognitionParameters,
    VerificationParameters,
)


class DetectionQuery(DetectionParameters, WaitQuery):
    """Parameters of a detection."""


class EmbeddingQuery(EmbeddingParameters, WaitQuery):
    """Parameters of an embedding."""


class EnrolmentQuery(EnrolmentParameters, WaitQuery):
    """Parameters of an enrolment."""


class RecognitionQuery(RecognitionParameters, WaitQuery):
    """Parameters of a recognition."""


class VerificationQuery(VerificationParameters, WaitQuery):
    """Parameters of a verification."""
