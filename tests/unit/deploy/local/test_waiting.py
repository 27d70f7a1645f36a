from __future__ import annotations

import pytest

from deploy.local.waiting import NotReadyError, wait_until


def test_it_returns_as_soon_as_the_condition_holds():
    answers = iter([False, False, True])
    wait_until(lambda: next(answers), 10, "the third answer")
    assert list(answers) == []


def test_it_says_what_it_waited_for_in_vain():
    with pytest.raises(NotReadyError, match="for the end of days"):
        wait_until(lambda: False, 0, "the end of days")
