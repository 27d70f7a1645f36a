"""Flower's configuration file: hides what tasks were called with and what they returned."""

from __future__ import annotations

from typing import Any


def format_task(task: Any) -> Any:  # noqa: ANN401 - Flower passes Celery's Task or a dictionary's view
    """Blank a task's arguments and result before a page shows them."""
    task.args = task.kwargs = task.result = "hidden"
    return task
