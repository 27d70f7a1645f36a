"""A disk that is full refuses work; it loses none, and nobody has to mend anything afterwards."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress

import psycopg
import pytest

from app.imaging.inspect import ImageLimits
from tests.chaos.campaign import finish, submitting
from tests.chaos.orders import Order, picture
from tests.chaos.stack import wait_for
from tests.factories import image_bytes
from workers.images.decoder import ConfinedDecoder

ACCEPTED, REFUSED, AWAY = 202, 507, 503
#: A healed service takes and does work again within this time: a worker that meets the full disk
#: while it starts takes half a minute to end, and to be started again.
HEALED_S = 60


@pytest.fixture
def volumes(stack):
    """The stack's file systems; without the right to make such there is no test."""
    stack.volumes.need()
    return stack.volumes


def _naive(folder, number):
    """Store uploads as files, as one writes it first; return how each is answered and served."""
    answers, halves = Counter(), 0
    for index in range(number):
        data = os.urandom(300_000)
        path = folder / f"naive-{index}"
        try:
            path.write_bytes(data)
            answers[ACCEPTED] += 1
        except OSError:
            answers[500] += 1
        halves += path.exists() and path.read_bytes() != data
        path.unlink(missing_ok=True)
    return answers, halves


def _told(answers, halves):
    """Say what became of uploads that are stored as files."""
    return f"files beside: {answers[500]} of {answers.total()} answered 500, {halves} half served"


def _counted(stack, campaign):
    """Return the most attempts and the most lost processes that any job was charged with."""
    with stack.database() as connection:
        return connection.execute(
            "SELECT max(attempt - excused), max(losses) FROM jobs WHERE collection_id = %s",
            [campaign.collection],
        ).fetchone()


def _outcomes(campaign):
    return Counter(answer["outcome"] for answer in campaign.answers())


def test_work_survives_a_full_disk_of_the_database(
    stack, volumes, campaign, size, at_most, finding
):
    outages = size(small=1, fast=2, full=3)
    outage_s = size(small=4, fast=6, full=15)
    jobs = size(small=20, fast=100, full=200)
    campaign.padding = 200_000  # what is shorter finds room in half-empty pages
    clients = submitting(campaign, jobs, pause_s=outages * (outage_s + 2) * 2 / jobs)
    healed_s, readable, naive, halves = [], [], Counter(), 0
    for number in range(outages):
        seen = len(campaign.answers())
        with stack.client() as http:
            held = campaign.submit(700_000 + number, Order.ONE_SECOND, http=http)
            wait_for(lambda held=held: campaign.state(held)["state"] == "running", what="a claim")
        with volumes.full(volumes.tables):
            wait_for(
                lambda seen=seen: REFUSED in {a["outcome"] for a in campaign.answers()[seen:]},
                what="a refusal",
            )
            time.sleep(outage_s)
            with stack.client() as http:
                readable.append(http.get(f"/v1/jobs/{held}").status_code)
            answers, half = _naive(volumes.tables, 5)
            naive += answers
            halves += half
        campaign.fault("room again")
        begin = time.monotonic()
        campaign.wait_for_job(held)
        with stack.client() as http:
            campaign.wait_for_job(campaign.submit(710_000 + number, http=http))
        healed_s.append(time.monotonic() - begin)
    verdict = finish(campaign, clients)
    attempts, losses = _counted(stack, campaign)
    outcomes = _outcomes(campaign)
    finding(
        test="T29",
        promise="A full disk of the database refuses submits with 507, and loses or blames no job",
        n=outages,
        figure=f"{verdict}; answers {dict(outcomes)}; {attempts} attempts and {losses} losses"
        f" counted at most; done again {max(healed_s):.1f} s after there was room",
        passed=verdict.sound
        and set(outcomes) == {ACCEPTED, REFUSED}
        and set(readable) == {200}
        and (attempts, losses) == (1, 0)
        and max(healed_s) < at_most(HEALED_S),
        naive=_told(naive, halves),
        naive_failed=naive[500] > 0 and halves > 0,
    )


def test_work_survives_a_full_disk_of_the_log(
    stack, volumes, campaign, rival, size, at_most, finding
):
    outages = size(small=1, fast=2, full=3)
    outage_s = size(small=3, fast=6, full=15)
    jobs = size(small=20, fast=100, full=200)
    clients = submitting(campaign, jobs, pause_s=outages * (outage_s + 2) * 2 / jobs)
    stored_s, restarts = [], 0
    for number in range(outages):
        with stack.client() as http:
            held = campaign.submit(720_000 + number, Order.ONE_SECOND, http=http)
        wait_for(lambda held=held: campaign.state(held)["state"] == "running", what="a claim")
        with volumes.full(volumes.wal):
            _exhaust(stack)
            rival.submit(5)
            end = time.monotonic() + outage_s
            while time.monotonic() < end:  # a supervisor starts it again and again
                if not stack.runs("postgres"):
                    stack.launch("postgres")
                    restarts += 1
                time.sleep(0.5)
        campaign.fault("room again")
        begin = time.monotonic()
        wait_for(lambda: stack.runs("postgres") or stack.start("postgres"), what="Postgres")
        with stack.client() as http:
            campaign.submit(730_000 + number, http=http)
        stored_s.append(time.monotonic() - begin)
    verdict = finish(campaign, clients)
    attempts, losses = _counted(stack, campaign)
    outcomes = _outcomes(campaign)
    rival.settle()
    finding(
        test="T29",
        promise="A full disk of the database's log stops it, and it comes back with all that was"
        " accepted",
        n=outages,
        figure=f"{verdict}; answers {dict(outcomes)}; started in vain {restarts} times; {attempts}"
        f" attempts and {losses} losses counted at most; stored again {max(stored_s):.1f} s after"
        " there was room",
        passed=verdict.sound
        and set(outcomes) <= {ACCEPTED, AWAY, REFUSED}
        and outcomes[AWAY] > 0
        and (attempts, losses) == (1, 0)
        and max(stored_s) < at_most(HEALED_S),
        naive=f"accepted by the broker: {rival}",
        naive_failed=rival.lost > 0,
    )


def _exhaust(stack):
    """Write until the log has no room for more, which ends the server."""
    while stack.runs("postgres"):
        with suppress(psycopg.Error), stack.superuser() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS ballast (data bytea)")
            connection.execute("ALTER TABLE ballast ALTER data SET STORAGE EXTERNAL")
            while True:
                connection.execute("INSERT INTO ballast VALUES (%s)", [os.urandom(2**20)])


def test_requests_are_answered_while_the_services_own_disk_is_full(
    stack, volumes, campaign, size, at_most, finding
):
    """Requests up to half a megabyte are kept in memory, larger ones on the disk."""
    rounds = size(small=1, fast=3, full=10)
    answers, naive, halves = Counter(), Counter(), 0
    decoder = ConfinedDecoder(ImageLimits(max_bytes=2**20, max_pixels=2**20))
    with stack.client() as http:
        with volumes.full(volumes.own):
            for number in range(rounds):
                for kilobytes in (1, 300, 2_000, 9_000):
                    status = _post(http, campaign, number, kilobytes)
                    answers["small" if kilobytes < 500 else "large", status] += 1
                naive_answers, half = _naive(volumes.own, 5)
                naive += naive_answers
                halves += half
            decoded = decoder.decode(image_bytes()).pixels.size > 0
        campaign.fault("room again")
        begin = time.monotonic()
        assert _post(http, campaign, rounds, 9_000) == ACCEPTED
    decoder.close()
    wait_for(lambda: stack.revive() or campaign.is_done(), what="the jobs")
    healed_s = time.monotonic() - begin
    verdict = campaign.judge()
    attempts, losses = _counted(stack, campaign)
    finding(
        test="T29",
        promise="With its own disk full the service answers, and takes what fits into memory",
        n=4 * rounds,
        figure=f"{verdict}; {answers['small', ACCEPTED]} small ones accepted,"
        f" {answers['large', REFUSED]} large ones refused with 507; {attempts} attempts and"
        f" {losses} losses counted at most; all done {healed_s:.1f} s after there was room",
        passed=verdict.sound
        and set(answers) == {("small", ACCEPTED), ("large", REFUSED)}
        and decoded
        and (attempts, losses) == (1, 0)
        and healed_s < at_most(HEALED_S),
        naive=_told(naive, halves),
        naive_failed=naive[500] > 0 and halves > 0,
    )


def _post(http, campaign, number, kilobytes):
    """Submit once, a photograph with so much behind its pixels; return the status."""
    answer = http.post(
        f"/v1/collections/{campaign.collection}/faces",
        params={"subject": f"person {number} of {kilobytes}"},
        files={"image": picture(number * 100_000 + kilobytes) + os.urandom(kilobytes * 1000)},
    )
    if answer.status_code == ACCEPTED:
        campaign.accepted.append(answer.json()["id"])
    return answer.status_code
