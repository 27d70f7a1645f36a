"""The worker that sweeps: ``celery -A tasks.io_worker worker -Q io --pool threads``."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from app.bootstrap import Container, build_container, build_scrub
from app.domain.audit import AuditChain
from app.domain.errors import ServiceUnavailableError, VultusError
from app.domain.pulse import Part
from app.domain.setback import Chore
from app.messaging.celery import configure, schedule
from app.messaging.names import TaskName
from app.observability import configure_logging
from app.services.access.audit_trail import prune_records, seal_records
from app.services.erasure.scrub import scrub_if_due
from app.services.isolation import apart
from app.services.jobs.outages import Outages
from app.services.jobs.sweep import sweep
from app.settings import Settings
from app.storage.database.tenancy import DatabaseRole
from tasks.process.app import celery

if TYPE_CHECKING:
    from app.services.ports import Scrub

_LOG = logging.getLogger(__name__)

_settings = Settings.load()
_chain = AuditChain(_settings.secret_key.get_secret_value())
_audit_retention = timedelta(days=_settings.audit_retention_days)
configure_logging(_settings.log_level)
configure(celery, _settings.redis_url.get_secret_value())
celery.conf.beat_schedule = schedule(
    sweep_interval_s=_settings.sweep_interval_s,
    pulse_interval_s=_settings.pulse_interval_s,
    scrub_interval_s=min(60.0, 36 * _settings.erasure_window_h),
)

_outages = Outages()


@cache
def _container() -> Container:
    return build_container(_settings, role=DatabaseRole.WORKER)


@celery.task(name=TaskName.SWEEP, send_events=False)  # else a monitor would show little else
def _sweep() -> None:
    container = _container()
    sweep(container.desk, container.receipts, outages=_outages)
    container.pulses.leave(Part.SWEEP)


@celery.task(name=TaskName.SEAL, send_events=False)
def _seal() -> None:
    container = _container()
    with apart(Chore.AUDIT, uow=container.uow):
        seal_records(_chain, uow=container.uow)
    with apart(Chore.AUDIT_RETENTION, uow=container.uow):
        prune_records([_chain], keep=_audit_retention, uow=container.uow, clock=container.clock)


@cache
def _scrubber() -> Scrub:
    return build_scrub(_settings)


@celery.task(name=TaskName.SCRUB, send_events=False)
def _scrub() -> None:
    container = _container()
    window = container.receipts.window
    with apart(Chore.SCRUB, uow=container.uow):
        try:
            scrub_if_due(_scrubber(), window=window, uow=container.uow, clock=container.clock)
        except VultusError as error:
            _LOG.error("not scrubbed: %s", error.detail, extra={"action": "scrub_refused"})
            if not isinstance(error, ServiceUnavailableError):  # else it is only in use now
                raise
