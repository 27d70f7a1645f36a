"""The worker that sweeps: ``celery -A tasks.io_worker worker -Q io --pool threads``."""

from __future__ import annotations

from functools import cache

from app.bootstrap import Container, build_container
from app.domain.pulse import Part
from app.messaging.celery import configure, schedule
from app.messaging.names import TaskName
from app.observability import configure_logging
from app.services.outages import Outages
from app.services.sweep import sweep
from app.settings import Settings
from app.storage.tenancy import DatabaseRole
from tasks.app import celery
from tasks.rules import sweep_rules

_settings = Settings.load()
configure_logging(_settings.log_level)
configure(celery, _settings.redis_url.get_secret_value())
celery.conf.beat_schedule = schedule(
    sweep_interval_s=_settings.sweep_interval_s, pulse_interval_s=_settings.pulse_interval_s
)

_outages = Outages()


@cache
def _container() -> Container:
    return build_container(_settings, role=DatabaseRole.WORKER)


@celery.task(name=TaskName.SWEEP, send_events=False)  # else a monitor would show little else
def _sweep() -> None:
    container = _container()
    sweep(
        sweep_rules(_settings),
        uow=container.uow,
        queue=container.queue,
        clock=container.clock,
        outages=_outages,
    )
    container.pulses.leave(Part.SWEEP)
