"""What stands in for the clock, the queue and the sender of webhooks.

`tests/ports` shows that they do what the true ones do.
"""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.backlog import Lane
from app.domain.delivery import Attempt
from app.domain.errors import InvalidRequestError
from app.webhooks.outcome import describe_status
from app.webhooks.signature import generate_signing_key


class FakeClock:
    """Stands at a moment, by default the one of its making, until it is set or advanced."""

    def __init__(self, moment=None):
        self.moment = moment or datetime.now(UTC)

    def now(self):
        return self.moment

    def advance(self, by):
        self.moment += by


class FakeJobQueue:
    """Keeps what was put; ``down`` stands for a broker out of reach."""

    def __init__(self):
        self.jobs = []
        self.deliveries = []
        self.down = False

    def put_job(self, job_id, job_type, *, lane=Lane.BULK, shared=False):
        if not self.down:
            self.jobs.append((job_id, job_type))
        return not self.down

    def put_delivery(self, delivery_id):
        if not self.down:
            self.deliveries.append(delivery_id)
        return not self.down


class FakeSender:
    """Answers with the given statuses in turn, the last one for ever; refuses ``refused`` URLs.

    Without a status nothing may be sent: the front never sends.
    """

    def __init__(self, *statuses, retry_after_s=None):
        self.statuses = list(statuses)
        self.retry_after_s = retry_after_s
        self.refused = set()
        self.sent = []

    def new_key(self):
        return generate_signing_key()

    def check(self, url):
        if url in self.refused or not url.startswith("https://"):
            raise InvalidRequestError("The URL must begin with https.")

    def send(self, endpoint, delivery, *, at):
        assert self.statuses, "an attempt was made that no one expects"
        self.sent.append((endpoint, delivery, at))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Attempt(
            delivery_id=delivery.id,
            number=delivery.attempt,
            at=at,
            status_code=status,
            error=describe_status(status),
            retry_after_s=self.retry_after_s,
        )
