"""Which lane a request takes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.domain.backlog import Lane
from app.domain.job_parameters import DetectionParameters
from app.domain.job_request import JobRequest


@pytest.mark.parametrize(
    ("awaited", "images", "lane"),
    [
        (True, 1, Lane.INTERACTIVE),
        (True, 2, Lane.INTERACTIVE),
        (True, 3, Lane.BULK),
        (False, 1, Lane.BULK),
    ],
)
def test_a_request_is_interactive_when_few_images_are_waited_for(awaited, images, lane):
    request = JobRequest(
        parameters=DetectionParameters(),
        owner_id=uuid4(),
        images=[b"image"] * images,
        awaited=awaited,
    )
    assert request.lane is lane
