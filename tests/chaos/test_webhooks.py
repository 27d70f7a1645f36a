"""T10: every event arrives, though the receiver fails in every way and the sender is killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network

import httpx
import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.bootstrap import SystemClock
from app.domain.delivery import ATTEMPTS_AT_ONCE, DeliveryState
from app.storage.tables import AttemptRow, DeliveryRow
from app.webhooks.sender import HttpWebhookSender
from deploy.local.paths import PROJECT
from tests.chaos.tenant_world import new_world
from tests.receivers import Receiver, answer, reset

ENDPOINTS = 4
#: The sender is killed whenever this part of the events was delivered.
LIVES = 3
PATIENCE_S = 300
#: So often an event meets a fault at most: a schedule has ten attempts, and luck has no end.
_BAD_LUCK = 6


class Faulty:
    """Fails half of all requests, each in one of seven ways."""

    def __init__(self) -> None:
        self.secrets = {}
        self.taken = Counter()
        self.sequences = defaultdict(set)
        self.forged = self.followed = 0
        self._lock, self._chance, self._asked = threading.Lock(), random.Random(10), Counter()

    def __call__(self, connection, request):
        path = request.line.split()[1]
        with self._lock:
            self.followed += path == "/elsewhere"
            one = request.headers.get("webhook-id")
            self._asked[one] += 1
            luck = self._chance.random() if self._asked[one] <= _BAD_LUCK else 1
        if luck < 0.30:
            answer(500)(connection, request)
        elif luck < 0.40:
            connection.recv(1)  # says nothing until the sender gives up
        elif luck < 0.45:
            reset(connection, request)
        elif luck < 0.50:
            answer(429, "Retry-After: 1")(connection, request)
        elif luck < 0.52:
            answer(307, "Location: /elsewhere")(connection, request)
        elif luck < 0.54:
            self._drip(connection)
        else:
            self._take(path, request)
            answer(204)(connection, request)

    def _drip(self, connection):
        for byte in b"HTTP/1.1 200 OK\r\n" * 3:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)  # the sender breaks off

    def _take(self, path, request):
        with self._lock:
            self.taken[request.headers.get("webhook-id")] += 1
            if path in self.secrets:
                self.sequences[path].add(json.loads(request.body)["sequence"])
                try:
                    Webhook(self.secrets[path]).verify(request.body, request.headers)
                except WebhookVerificationError:
                    self.forged += 1


@pytest.fixture
def world(database_server, migrated_template):
    with new_world(database_server, migrated_template, pool_size=8) as world:
        world.settle("acme")
        yield world


def store_events(world, receiver, faulty, n):
    """Register the endpoints by the API, and have so many events stored; return their ids."""
    sender = HttpWebhookSender(
        timeout_s=5, allow_http=True, allowed_networks=[ip_network("127.0.0.1/32")]
    )
    client = world.client(replace(world.web, sender=sender, clock=SystemClock()))
    key = {"x-api-key": world.households[0].keys["admin"]}
    endpoints = []
    for number in range(ENDPOINTS):
        url = f"http://127.0.0.1:{receiver.port}/{number}"
        answered = client.post("/v1/webhooks", headers=key, json={"url": url})
        faulty.secrets[f"/{number}"] = answered.json["secret"]
        endpoints.append(answered.json["id"])
    return [
        client.post(f"/v1/webhooks/{endpoints[one % ENDPOINTS]}/test", headers=key).json["id"]
        for one in range(n)
    ]


def states(world, ids):
    with world.owner.uow() as work:
        rows = work._session.scalars(select(DeliveryRow.state).where(DeliveryRow.id.in_(ids)))
        return Counter(rows.all())


def send_all(world, ids):
    """Run the sender until nothing is pending, and kill it again and again; return how often."""
    url = world.web.settings.database_url.get_secret_value()
    deadline, kills = time.monotonic() + PATIENCE_S, 0
    left = len(ids)
    while left and time.monotonic() < deadline:
        sender = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.webhook_sender", url], cwd=PROJECT
        )
        goal = max(0, left - len(ids) // LIVES)
        while left > goal and time.monotonic() < deadline:
            time.sleep(0.02)
            left = states(world, ids)[DeliveryState.PENDING]
        sender.kill()
        sender.wait()
        kills += 1
    return kills


def send_naively(port, n):
    """Send each event once, in the thread of its request, by a client that follows redirects."""
    with httpx.Client(timeout=0.3, trust_env=False, follow_redirects=True) as client:
        for number in range(n):
            with suppress(httpx.HTTPError):
                client.post(f"http://127.0.0.1:{port}/naive", headers={"webhook-id": str(number)})


def test_every_event_arrives_at_a_faulty_receiver(world, size, finding):
    n = size(small=30, fast=120, full=1000)
    faulty = Faulty()
    with Receiver(faulty) as receiver:
        ids = store_events(world, receiver, faulty, n)
        kills = send_all(world, ids)
    with world.owner.uow() as work:
        tries = work._session.scalar(
            select(func.count()).select_from(AttemptRow).where(AttemptRow.delivery_id.in_(ids))
        )
    gapless = sum(
        sequence == set(range(1, len(sequence) + 1)) for sequence in faulty.sequences.values()
    )
    arrived, twice = len(faulty.taken), faulty.taken.total() / n
    # An event comes twice only where a kill came between its 2xx and the record of it.
    blind = Faulty()
    with Receiver(blind) as receiver:
        send_naively(receiver.port, n)
    finding(
        test="T10",
        promise="Every event arrives, signed and numbered, however the receiver fails",
        n=n,
        figure=f"{arrived} arrived in {tries} tries and {kills} lives of the sender, {twice:.3f} "
        f"deliveries with 2xx each, {gapless} of {ENDPOINTS} sequences without a gap, "
        f"{faulty.forged} signed wrongly, {faulty.followed} redirects followed",
        passed=set(faulty.taken) == set(ids)
        and states(world, ids) == {DeliveryState.DELIVERED: n}
        and faulty.taken.total() - n <= max(0.05 * n, ATTEMPTS_AT_ONCE * kills)
        and gapless == ENDPOINTS
        and not faulty.forged
        and not faulty.followed
        and kills >= LIVES,
        naive=f"sent once, in the request's thread: {n - len(blind.taken)} of {n} lost, "
        f"{blind.followed} redirects followed",
        naive_failed=len(blind.taken) < n,
    )
