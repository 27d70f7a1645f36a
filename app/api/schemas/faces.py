from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Page, PageQuery, Schema

if TYPE_CHECKING:
    from app.domain.collection import Face


class BoxResource(Schema):
    """Corners in pixels of the upright image."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


class PointResource(Schema):
    """A place in pixels of the upright image."""

    x: float
    y: float


class LandmarksResource(Schema):
    """Five points; left and right are those of the image."""

    image_left_eye: PointResource
    image_right_eye: PointResource
    nose: PointResource
    image_left_mouth: PointResource
    image_right_mouth: PointResource


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
            box=BoxResource(x_min=box.x_min, y_min=box.y_min, x_max=box.x_max, y_max=box.y_max),
            landmarks=LandmarksResource(
                **{
                    name: PointResource(x=point.x, y=point.y)
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


class FaceQuery(PageQuery):
    """Which faces to list."""

    subject: Annotated[
        str | None, Field(description="Id or name of the subject whose faces to list.")
    ] = None


class FacePage(Page):
    """Faces in the order of their enrolment."""

    items: list[FaceResource]
