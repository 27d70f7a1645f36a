"""What stands in for the parts that functional tests of the API leave out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.backlog import Lane
from app.domain.errors import InvalidRequestError
from app.webhooks.signature import generate_signing_key


class FakeJobQueue:
    """Keeps what was put; ``open`` says whether the broker answers."""

    def __init__(self):
        self.jobs = []
        self.deliveries = []
        self.open = True

    def put_job(self, job_id, job_type, *, lane=Lane.BULK, shared=False):
        if self.open:
            self.jobs.append((job_id, job_type))
        return self.open

    def put_delivery(self, delivery_id):
        if self.open:
            self.deliveries.append(delivery_id)
        return self.open


class FakeClock:
    """Runs with the real one, ahead by what it was advanced."""

    def __init__(self):
        self.ahead = timedelta()

    def now(self):
        return datetime.now(UTC) + self.ahead

    def advance(self, by):
        self.ahead += by


class FakeSender:
    """Refuses what is not https; sends nothing."""

    def new_key(self):
        return generate_signing_key()

    def check(self, url):
        if not url.startswith("https://"):
            raise InvalidRequestError("the URL must be https")

    def send(self, endpoint, delivery, *, at):
        raise AssertionError("the front never sends")
