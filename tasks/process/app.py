"""The Celery app that tasks register with; a worker module configures it."""

from __future__ import annotations

from celery import Celery

from tasks.process.drain import DrainingWorker

celery = Celery("vultus")
celery.Worker = celery.subclass_with_self(DrainingWorker)
