"""T17: no tenant reaches another's things, by any call, and by either of two walls alone."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from itertools import permutations
from uuid import uuid4

import pytest

from app.domain.access import Scope
from app.domain.compreface import ServiceType
from tests.chaos.tenant_matrix import OPEN, PLACES, ROWS, operations
from tests.chaos.tenant_world import COLLECTION, PHOTO

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def _call(client, operation, key, ids, *, references=None):
    method, rule = operation
    path = _PARAMETER.sub(lambda found: (ids | PLACES)[found[1]], rule)
    options = ROWS[operation].options()
    for name, value in (references or {}).items():
        place = "json" if "json" in options else "query_string"
        options[place] = {**options[place], name: value}
    headers = {"x-api-key": key} if key else {}
    return client.open(path, method=method, headers=headers, **options)


def _key(household, operation):
    needs = ROWS[operation].needs
    return household.services[needs] if isinstance(needs, ServiceType) else household.keys["admin"]


def _attempts():
    """Give each operation with the parameters, one or several, that are to be another's."""
    for operation, row in sorted(ROWS.items(), key=lambda one: one[0][0] != "GET"):
        names = [name for name in _PARAMETER.findall(operation[1]) if name not in PLACES]
        groups = {(name,) for name in names} | ({tuple(names)} if names else set())
        for group in sorted(groups):
            yield operation, group, None
        for member, stands_for in row.references.items():
            yield operation, (), (member, stands_for)


def _text(answer):
    """Return the body of an answer, which may be a photograph."""
    return answer.get_data().decode(errors="replace")


def _compared(client, intruder, victim):
    """Yield each attempt with its two answers: for the victim's ids, and for ids of nothing."""
    for operation, group, reference in _attempts():
        answers = []
        for strange in (victim.ids, {name: str(uuid4()) for name in victim.ids}):
            ids = intruder.ids | {name: strange[name] for name in group}
            members = {reference[0]: strange[reference[1]]} if reference else None
            answer = _call(client, operation, _key(intruder, operation), ids, references=members)
            shown = _text(answer)
            for name, value in strange.items():
                shown = shown.replace(value, name)
            answers.append((answer.status_code, shown))
        yield operation, group or reference, answers


def _reached(client, intruder, victim):
    """Return how many attempts there were, and those that did not end as for nothing."""
    attempts = list(_compared(client, intruder, victim))
    return len(attempts), [
        (operation, what, foreign, none)
        for operation, what, (foreign, none) in attempts
        # CompreFace answers some things that do not exist with an empty 200.
        if foreign != none or foreign[0] >= 500 or (foreign[0] < 400 and foreign[1])
    ]


def _mentioned(client, intruder, victim):
    """Return the listings that give away an id of the victim's."""
    told = []
    for operation in ROWS:
        if operation[0] == "GET" and not _PARAMETER.search(operation[1]):
            answer = _call(client, operation, _key(intruder, operation), intruder.ids)
            told += [(operation, name) for name in victim.mentioned(_text(answer))]
    return told


def test_every_operation_has_a_row(world):
    found = operations(world.client().application)
    assert found == set(ROWS) | OPEN, "add a row to tests/chaos/tenant_matrix.py"
    unknown = (
        {name for _, rule in ROWS for name in _PARAMETER.findall(rule)}
        - world.households[0].ids.keys()
        - PLACES.keys()
    )
    assert not unknown, "tests/chaos/tenant_world.py makes no such thing"


def test_one_reaches_ones_own_things(world):
    """Without this the refusals below would mean nothing."""
    client = world.client()
    for household in world.households:
        for operation in ROWS:
            if operation[0] == "GET" and operation[1] != "/metrics":
                answer = _call(client, operation, _key(household, operation), household.ids)
                assert answer.status_code == 200, (operation, answer.text)


def test_no_tenant_reaches_anothers_things(world, no_filters, size, finding):
    [one, *_] = world.households
    lost = world.settle("lost")  # of whose things not all are left in the end
    world.households.remove(lost)
    n, reached, told = 0, [], []
    pairs = list(permutations(world.households, 2))[: size(small=1, fast=6, full=6)]
    owner_only = replace(world.web, uow=world.owner.uow)
    for container in (world.web, owner_only):  # both walls, then our own queries alone
        client = world.client(container)
        for intruder, victim in pairs:
            tried, found = _reached(client, intruder, victim)
            n, reached = n + tried, reached + found
            told += _mentioned(client, intruder, victim)
    no_filters()
    client = world.client()  # the policies alone
    for intruder, victim in pairs:
        tried, found = _reached(client, intruder, victim)
        n, reached = n + tried, reached + found
        told += _mentioned(client, intruder, victim)
    naive_told = _mentioned(world.client(owner_only), one, lost)
    naive_n, naive = _reached(world.client(owner_only), one, lost)
    finding(
        test="T17",
        promise="Another tenant's things answer like things that do not exist",
        n=n,
        figure=f"{len(reached)} reached, {len(told)} mentioned, by both walls and by each alone",
        passed=not reached and not told,
        naive=f"no filters, as the owner: {len(naive)} of {naive_n} reached, "
        f"{len(naive_told)} mentioned in listings",
        naive_failed=bool(naive and naive_told),
    )


def test_keys_that_may_not_are_refused(world, finding):
    client = world.client()
    [home, *_] = world.households
    n, wrong = 0, []

    def expect(operation, key, *statuses):
        nonlocal n
        n += 1
        status = _call(client, operation, key, home.ids).status_code
        if status not in statuses:
            wrong.append((operation, status, statuses))

    for operation, row in ROWS.items():
        if isinstance(row.needs, ServiceType):
            # CompreFace answers these with 400 and 404.
            expect(operation, None, 400)
            expect(operation, str(uuid4()), 404)
            for kind in set(ServiceType) - {row.needs}:
                expect(operation, home.services[kind], 404)
            continue
        for key in (None, "vlt_abc_def", home.keys["revoked"], home.keys["expired"]):
            expect(operation, key, 401)
        for scope in Scope:
            if not scope.covers(row.needs):
                expect(operation, home.keys[scope], 403)
    expect(("GET", "/metrics"), home.keys["admin"], 403)  # they tell of every tenant
    guessed = _without_comparing(world, home)
    finding(
        test="T17",
        promise="No key is 401, too small a scope is 403",
        n=n,
        figure=f"{len(wrong)} answered otherwise",
        passed=not wrong,
        naive=f"secret not compared: a guessed one is answered {guessed}",
        naive_failed=guessed == 200,
    )


def _without_comparing(world, home):
    """Return what a guess is answered where the public part of a key is enough."""
    client = world.client()
    key = re.sub(r"_[^_]+$", "_guessed", home.keys["admin"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.domain.access.ApiKey.accepts", lambda *_: True)
        return _call(client, ("GET", "/v1/keys"), key, home.ids).status_code


def test_a_cursor_leads_nowhere_but_into_ones_own_listing(world):
    acme, zenith, _ = world.households
    client = world.client()
    for path in ("/v1/collections", "/v1/jobs", "/v1/webhooks"):
        call = partial(client.get, path)
        first = call(query_string={"page_size": 1}, headers={"x-api-key": acme.keys["admin"]})
        query = {"page_size": 1, "page_token": first.json["next_page_token"]}
        other = call(query_string=query, headers={"x-api-key": zenith.keys["admin"]})
        assert other.status_code == 200
        assert not acme.mentioned(other.text)


def test_the_same_idempotency_key_makes_a_job_for_each(world):
    client = world.client()
    jobs = [
        client.post(
            "/v1/detections",
            headers={"x-api-key": home.keys["write"], "Idempotency-Key": '"the same"'},
            **PHOTO,
        ).json["id"]
        for home in (*world.households, *world.households)
    ]
    assert jobs[:3] == jobs[3:]
    assert len(set(jobs)) == 3


def test_only_the_tenants_own_endpoints_hear_of_its_jobs(world):
    client = world.client()
    acme, *others = world.households

    def heard(home):
        path = f"/v1/webhooks/{home.ids['endpoint_id']}/deliveries"
        return client.get(path, headers={"x-api-key": home.keys["admin"]}).json["items"]

    before = {home.name: len(heard(home)) for home in world.households}
    path = f"/v1/collections/{acme.ids['collection']}/faces"
    job = client.post(path, headers={"x-api-key": acme.keys["write"]}, **PHOTO).json["id"]
    world.work_off(job)
    assert len(heard(acme)) == before["acme"] + 1
    assert [len(heard(home)) for home in others] == [before[home.name] for home in others]


def test_two_tenants_may_use_one_name(world):
    client = world.client()
    found = [
        client.get(f"/v1/collections/{COLLECTION}", headers={"x-api-key": home.keys["read"]})
        for home in world.households
    ]
    assert len({answer.json["id"] for answer in found}) == len(world.households)
