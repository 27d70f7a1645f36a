"""Settings in, container out: the only module that knows every adapter."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from celery import Celery

from app.catalogue.profiles import load_model_profiles
from app.domain.audit import Actor, ActorKind
from app.domain.backlog import Bounds
from app.messaging.celery import configure
from app.messaging.health import broker_answers
from app.messaging.queue import CeleryJobQueue
from app.services.erasure.receipts import Receipts
from app.services.jobs.admission import Admission
from app.services.jobs.desk import JobDesk
from app.services.jobs.rules import JobRules
from app.storage.database.engine import build_engine, build_probe_engine
from app.storage.database.health import check_database
from app.storage.database.pulses import PostgresPulses
from app.storage.database.tenancy import DatabaseRole
from app.storage.erasure.scrub import PostgresScrub
from app.storage.jobs.bell import PostgresJobBell
from app.storage.unit_of_work import SqlUnitOfWork
from app.webhooks.sender import HttpWebhookSender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from sqlalchemy import Engine

    from app.domain.model import ModelProfile
    from app.services.ports import (
        Clock,
        JobBell,
        JobQueue,
        Pulses,
        Scrub,
        TenantUnitOfWorkFactory,
        WebhookSender,
    )
    from app.settings import Settings


#: Signs of life that may be missing before a part counts as dead.
MISSED_PULSES = 4

#: The actor in the audit trail where no key was shown.
_ACTORS = {
    None: ActorKind.COMMAND_LINE,
    DatabaseRole.WEB: ActorKind.WEB,
    DatabaseRole.WORKER: ActorKind.WORKER,
}

#: A request must not wait for a broker that is away: the sweep puts what is not put now.
_IMPATIENT = {"max_retries": 0, "socket_timeout": 0.4, "socket_connect_timeout": 0.4}


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What the edges need to call the services."""

    settings: Settings
    uow: TenantUnitOfWorkFactory
    queue: JobQueue
    #: Whether a job may join those that wait.
    admission: Admission
    bell: JobBell
    sender: WebhookSender
    clock: Clock
    #: Every model that can be chosen, by id.
    models: Mapping[str, ModelProfile]
    #: Where a part of the service reports that it works.
    pulses: Pulses
    #: Asks which parts of the service work; see ``app.api.health``. Never raises.
    check_parts: Callable[[], Mapping[str, bool]]

    @property
    def receipts(self) -> Receipts:
        """How receipts of erasures are made out."""
        return Receipts(
            window=timedelta(hours=self.settings.erasure_window_h),
            retention=timedelta(hours=self.settings.job_retention_h),
            clock=self.clock,
        )

    @property
    def desk(self) -> JobDesk:
        """Where jobs are submitted, claimed and ended."""
        return JobDesk(
            rules=_job_rules(self.settings),
            uow=self.uow,
            queue=self.queue,
            clock=self.clock,
            bell=self.bell,
            admission=self.admission,
        )

    def acting_for(self, tenant_id: UUID, actor: Actor | None = None) -> Container:
        """Return the same container with units of work for one tenant, and for no other.

        The actor is whom the audit trail names; by default it is the process.
        """
        uow = partial(self.uow, tenant_id)
        return replace(
            self,
            uow=uow if actor is None else partial(uow, actor=actor),
            admission=self.admission.of(tenant_id),
        )


def build_container(settings: Settings, *, role: DatabaseRole | None = None) -> Container:
    """Make the adapters; connections are opened when they are first used.

    The ``role`` bounds what the process may see and do in the database; the command line has none.
    """
    url = settings.database_url.get_secret_value()
    engine = build_engine(url, pool_size=settings.database_pool_size, role=role)
    redis_url = settings.redis_url.get_secret_value()
    celery = configure(Celery("vultus", set_as_current=False), redis_url)
    celery.conf.broker_transport_options |= _IMPATIENT
    return Container(
        settings=settings,
        uow=partial(SqlUnitOfWork, engine, actor=Actor(_ACTORS[role])),
        queue=CeleryJobQueue(celery),
        admission=Admission.within(
            Bounds(tenant=settings.max_waiting_per_tenant, whole=settings.max_waiting)
        ),
        bell=PostgresJobBell(url, role=role),
        sender=HttpWebhookSender(
            timeout_s=settings.webhook_timeout_s,
            allow_http=settings.webhook_allow_http,
            allowed_networks=settings.webhook_allowed_networks,
        ),
        clock=SystemClock(),
        models=load_model_profiles(settings.weights_dir),
        pulses=PostgresPulses(engine, interval_s=settings.pulse_interval_s),
        check_parts=partial(
            _check_parts, build_probe_engine(url, role=role), tempfile.gettempdir(), settings
        ),
    )


def _job_rules(settings: Settings) -> JobRules:
    return JobRules(
        republish_after=timedelta(seconds=settings.republish_s),
        max_losses=settings.max_losses,
        max_attempts=settings.max_attempts,
        longest_wait=timedelta(hours=settings.max_waiting_h),
        retention=timedelta(hours=settings.job_retention_h),
    )


def build_scrub(settings: Settings) -> Scrub:
    """Make what scrubs the database, as the tables' owner."""
    return PostgresScrub(build_engine(settings.database_url.get_secret_value(), pool_size=1))


def _check_parts(engine: Engine, spool: str, settings: Settings) -> Mapping[str, bool]:
    """Ask the database, the broker, and the ``disk`` that requests are collected on."""
    return {
        **check_database(
            engine,
            silence_s=settings.pulse_interval_s * MISSED_PULSES,
            longest_wait_s=settings.queue_alarm_s,
        ),
        "broker": broker_answers(settings.redis_url.get_secret_value()),
        "disk": shutil.disk_usage(spool).free >= settings.max_request_bytes,
    }
