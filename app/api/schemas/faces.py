from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.api.schemas.base import Example, Page, PageQuery, Schema, SubjectName

if TYPE_CHECKING:
    from app.domain.collection import Face


class BoxResource(Schema):
    """Corners in pixels of the upright image."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


_Point = Annotated[list[float], Field(min_length=2, max_length=2, description="x and y in pixels.")]


class LandmarksResource(Schema):
    """Five points; left and right are those of the image."""

    image_left_eye: _Point
    image_right_eye: _Point
    nose: _Point
    image_left_mouth: _Point
    image_right_mouth: _Point


class FaceLinks(Schema):
    """Where to go from a face."""

    self: str
    collection: str
    image: Annotated[str | None, Field(description="Null when the photograph was not kept.")]


class FaceResource(Schema):
    """One enrolled face."""

    id: UUID
    collection_id: UUID
    subject_id: UUID | None
    subject: Annotated[str | None, Field(examples=["Ann"])]
    not_subject: Annotated[
        str | None, Field(description="The subject that it does not show, as a person has said.")
    ]
    box: BoxResource
    landmarks: LandmarksResource
    detection_confidence: float
    created_at: datetime
    links: FaceLinks

    @classmethod
    def of(cls, face: Face) -> FaceResource:
        """Show a face."""
        home = f"/v1/collections/{face.collection_id}"
        here = f"{home}/faces/{face.id}"
        box, landmarks = face.detection.box, face.detection.landmarks
        return cls(
            id=face.id,
            collection_id=face.collection_id,
            subject_id=face.subject_id,
            subject=face.subject,
            not_subject=face.rejected_subject,
            box=BoxResource(x_min=box.x_min, y_min=box.y_min, x_max=box.x_max, y_max=box.y_max),
            landmarks=LandmarksResource(
                **{
                    name: list(point)
                    for name, point in zip(LandmarksResource.model_fields, landmarks, strict=True)
                }
            ),
            detection_confidence=face.detection.confidence,
            created_at=face.created_at,
            links=FaceLinks(
                self=here,
                collection=home,
                image=f"{here}/image" if face.image_id is not None else None,
            ),
        )


class FaceLabel(Schema):
    """Whom a face shows or does not show; both null leave it without a subject."""

    EXAMPLE: ClassVar[Example] = {"subject": "Ann"}

    subject: Annotated[
        SubjectName | None, Field(description="Name of the subject; created if it does not exist.")
    ] = None
    not_subject: Annotated[
        SubjectName | None,
        Field(description="Name of a subject that no face like this is to be taken for."),
    ] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.subject is not None and self.not_subject is not None:
            raise ValueError("Give subject or not_subject, not both.")
        return self


class FaceQuery(PageQuery):
    """Which faces to list."""

    subject: Annotated[
        str | None, Field(description="Id or name of the subject whose faces to list.")
    ] = None


class FacePage(Page):
    """Faces in the order of their enrolment."""

    items: list[FaceResource]
