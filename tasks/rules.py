"""When a job counts as lost, and when as hopeless."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.services.jobs.sweep import SweepRules

if TYPE_CHECKING:
    from app.settings import Settings


def sweep_rules(settings: Settings) -> SweepRules:
    """Read the rules from the settings."""
    return SweepRules(
        republish_after=timedelta(seconds=settings.republish_s),
        max_losses=settings.max_losses,
        max_attempts=settings.max_attempts,
        longest_wait=timedelta(hours=settings.max_waiting_h),
        retention=timedelta(hours=settings.job_retention_h),
        erasure_window=timedelta(hours=settings.erasure_window_h),
    )
