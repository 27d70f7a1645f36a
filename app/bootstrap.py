"""Settings in, container out: the only module that knows every adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.domain.model import ModelProfile
    from app.services.ports import Clock, JobBell, JobQueue, UnitOfWorkFactory, WebhookSender
    from app.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What the edges need to call the services."""

    settings: Settings
    uow: UnitOfWorkFactory
    queue: JobQueue
    bell: JobBell
    sender: WebhookSender
    clock: Clock
    #: Every model of the manifest, by id.
    models: Mapping[str, ModelProfile]
    #: Tells what is wrong with the ``database`` and with the ``broker``, in a few words, or ``None``
    #: where all is well. Never raises.
    check_parts: Callable[[], Mapping[str, str | None]]
