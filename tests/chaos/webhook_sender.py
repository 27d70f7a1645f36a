"""A sender that can be killed: ``python -m tests.chaos.webhook_sender URL``, until it is.

It is the product's, but for its schedule, which takes fractions of a second instead of days.
"""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from ipaddress import ip_network

from app.bootstrap import SystemClock
from app.domain import delivery as schedule
from app.services.webhooks.deliver import deliver
from app.storage.database.engine import build_engine
from app.storage.database.tenancy import DatabaseRole
from app.storage.unit_of_work import SqlUnitOfWork
from app.webhooks.sender import HttpWebhookSender

#: What an attempt may take here, and more than that.
TIMEOUT_S = 0.3
_LEASE = timedelta(seconds=1)
_THREADS = 8


def main(database_url: str) -> None:
    schedule.RETRY_DELAYS = (timedelta(milliseconds=50),) * len(schedule.RETRY_DELAYS)
    schedule.THROTTLE = timedelta(milliseconds=100)
    engine = build_engine(database_url, pool_size=_THREADS, role=DatabaseRole.WORKER)
    uow, clock = partial(SqlUnitOfWork, engine), SystemClock()
    attempt = partial(
        deliver,
        uow=uow,
        sender=HttpWebhookSender(
            timeout_s=TIMEOUT_S, allow_http=True, allowed_networks=[ip_network("127.0.0.1/32")]
        ),
        clock=clock,
        lease=_LEASE,
        jitter=random.random,
    )
    with ThreadPoolExecutor(_THREADS) as threads:
        while True:
            with uow() as work:
                due = work.deliveries.due(now=clock.now(), limit=_THREADS)
            list(threads.map(attempt, due))
            time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1])
