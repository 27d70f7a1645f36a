"""What the submitting calls take beside their images, as query, form or JSON members alike."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from app.api.schemas.base import Code, Example, Moment, Probability, Schema, Similarity, SubjectName
from app.domain.selection import FacePolicy

_Policy = Annotated[
    FacePolicy | None,
    Field(description="Which face of an image is meant; every face when absent."),
]
_OnePolicy = Annotated[
    FacePolicy, Field(description="Which face is meant where an image shows several.")
]


class DetectionParameters(Schema):
    """How to find faces."""

    detection_threshold: Annotated[
        Probability | None,
        Field(description="Least confidence of a face; the service's own when absent."),
    ] = None


class EmbeddingParameters(DetectionParameters):
    """Whose embeddings to return."""

    face_policy: _Policy = None


class EnrolmentParameters(DetectionParameters):
    """Whom the photographs show."""

    EXAMPLE: ClassVar[Example] = {"subject": "Ann"}

    subject: Annotated[
        SubjectName | None,
        Field(
            description="Name of the subject, created if it does not exist. "
            "Without it, a face has none."
        ),
    ] = None
    not_subject: Annotated[
        SubjectName | None,
        Field(
            description="Name of a subject that the faces do not show: none like them will be "
            "taken for it. Instead of subject."
        ),
    ] = None
    consent_purpose: Annotated[
        Code | None,
        Field(description="What the subject agrees to with this submit: a code, no sentence."),
    ] = None
    consent_text_version: Annotated[
        Code | None, Field(description="The version of the text that it agrees to.")
    ] = None
    consent_expires_at: Annotated[
        Moment | None, Field(description="When its consent ends; never when absent.")
    ] = None
    consent_reference: Annotated[
        Code | None, Field(description="Your own document of it: a code, no name.")
    ] = None
    face_policy: _OnePolicy = FacePolicy.PROMINENT

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.subject is not None and self.not_subject is not None:
            raise ValueError("Give subject or not_subject, not both.")
        return self

    @model_validator(mode="after")
    def _whole_consent(self) -> Self:
        stated = self.consent_purpose, self.consent_text_version
        if any(stated) and not all(stated):
            raise ValueError("Give both consent_purpose and consent_text_version, or neither.")
        if not any(stated) and (self.consent_expires_at or self.consent_reference):
            raise ValueError("A consent needs consent_purpose and consent_text_version.")
        if any(stated) and self.subject is None:
            raise ValueError("A consent needs the subject who gives it.")
        return self


class _Judged(DetectionParameters):
    similarity_threshold: Annotated[
        Similarity | None, Field(description="Cosine from which the decision is match.")
    ] = None
    possible_threshold: Annotated[
        Similarity | None, Field(description="Cosine from which the decision is possible.")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        match, possible = self.similarity_threshold, self.possible_threshold
        if match is not None and possible is not None and possible > match:
            raise ValueError("The possible_threshold must not exceed the similarity_threshold.")
        return self


class VerificationParameters(_Judged):
    """How to compare two photographs."""

    face_policy: _OnePolicy = FacePolicy.PROMINENT


class RecognitionParameters(_Judged):
    """How to search the collection."""

    limit: Annotated[int, Field(ge=1, le=100, description="Candidates to return for a face.")] = 5
    face_policy: _Policy = None


class TrainingParameters(Schema):
    """A training takes none."""
