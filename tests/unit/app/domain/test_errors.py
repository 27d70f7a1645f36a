from __future__ import annotations

import pytest

from app.domain.backlog import Quota
from app.domain.errors import Fault, TooMuchWaitingError, ValidationFailedError, WeightsError
from app.domain.job import Lane

FAULT = Fault(detail="Must be at least 1.", pointer="#/limit")


@pytest.mark.parametrize(
    ("detail", "what_is_wrong"),
    [
        ("a/b.safetensors is missing. Run it.", "a/b.safetensors is missing."),
        ("a/b.safetensors is missing.", "a/b.safetensors is missing."),
    ],
)
def test_what_is_wrong_stands_in_the_first_sentence(detail, what_is_wrong):
    assert WeightsError(detail).what_is_wrong == what_is_wrong


@pytest.mark.parametrize(
    ("count", "detail"),
    [
        (1, "#/limit: Must be at least 1."),
        (2, "#/limit: Must be at least 1. #/limit: Must be at least 1."),
        (5, " ".join(["#/limit: Must be at least 1."] * 3) + " And 2 more."),
    ],
)
def test_several_faults_are_listed_in_one_detail(count, detail):
    assert ValidationFailedError([FAULT] * count).detail == detail


def test_a_full_backlog_is_reported_with_its_limit():
    error = TooMuchWaitingError(Quota(lane=Lane.BULK, bound=2000, waiting=2000), retry_after_s=12)
    assert error.detail == (
        "Too many images are waiting (limit 2,000 for your tenant). Retry after 12 s."
    )
