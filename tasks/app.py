"""The Celery app that tasks register with; a worker module configures it."""

from __future__ import annotations

from celery import Celery

celery = Celery("vultus")
