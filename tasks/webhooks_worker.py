"""The sender: ``celery -A tasks.webhooks_worker worker -Q webhooks --pool threads``.

It has a process of its own, so that slow receivers delay only one another.
"""

from __future__ import annotations

import random
from datetime import timedelta
from functools import cache
from uuid import UUID

from app.bootstrap import Container, build_container
from app.messaging.celery import configure
from app.messaging.names import TaskName
from app.observability import configure_logging
from app.services.webhooks.deliver import deliver
from app.settings import Settings
from app.storage.database.tenancy import DatabaseRole
from tasks.process.app import celery

#: Longer than an attempt takes, its time-out included.
_DELIVERY_LEASE = timedelta(minutes=2)

_settings = Settings.load()
configure_logging(_settings.log_level)
configure(celery, _settings.redis_url.get_secret_value())


@cache
def _container() -> Container:
    return build_container(_settings, role=DatabaseRole.WORKER)


@celery.task(name=TaskName.DELIVER)
def _deliver(delivery_id: str) -> None:
    container = _container()
    deliver(
        UUID(delivery_id),
        uow=container.uow,
        sender=container.sender,
        clock=container.clock,
        lease=_DELIVERY_LEASE,
        jitter=random.random,
    )
