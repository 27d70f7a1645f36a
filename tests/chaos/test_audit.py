"""T31: what was done stands in the audit trail, and whoever changes it there is found out."""

from __future__ import annotations

import logging
import random
import re
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from app.domain.access import Scope
from app.domain.audit import AuditChain
from app.domain.compreface import ServiceType
from app.services.access.audit_trail import check_trail, get_head, seal_records
from tests.chaos.tenant_matrix import PLACES, ROWS
from tests.chaos.tenant_world import COLLECTION, PHOTO

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
#: Called as the matrix says, these find nothing to change.
_TOUCHES_NOTHING = {
    ("POST", "/api/v1/verification/embeddings/verify"),
    ("POST", "/api/v1/recognition/faces/delete"),
    ("POST", "/api/v1/migrate"),
    ("DELETE", "/api/v1/recognition/faces"),
    ("DELETE", "/api/v1/faces"),
    ("DELETE", "/api/v1/retrain"),
    # the change is being settled already
    ("POST", "/v1/collections/<collection>/reembeddings/<uuid:reembedding_id>/finish"),
    # the hold stands already
    ("PUT", "/v1/collections/<collection>/legal-hold"),
    ("PUT", "/v1/collections/<collection>/subjects/<subject>/legal-hold"),
}
#: No worker runs, so whoever waits for a job hears 503 once it is stored.
_TAKEN = {200, 201, 202, 204, 503}
_NAME = "Zaphod Beeblebrox"


@pytest.fixture(scope="module")
def chain(world):
    return AuditChain(world.web.settings.secret_key.get_secret_value())


@pytest.fixture
def superuser(world):
    """Connect as one whom no grant, policy or trigger stops."""
    url = world.web.settings.database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def _act(world, count):
    """Do so many things of several kinds, in the names of several tenants."""
    client = world.client()
    for number in range(count):
        home = world.households[number % len(world.households)]
        headers = {"x-api-key": home.keys["admin"]}
        match number % 4:
            case 0:
                client.post("/v1/detections", headers=headers, **PHOTO)
            case 1:
                path = f"/v1/collections/{COLLECTION}/subjects"
                client.post(path, headers=headers, json={"name": uuid4().hex})
            case 2:
                client.get(f"/v1/jobs/{uuid4()}", headers=headers)
            case 3:
                client.post("/v1/keys", headers={"x-api-key": home.keys["read"]}, json={})


def _seal(world, chain):
    while seal_records(chain, uow=world.owner.uow):
        pass
    return get_head(uow=world.owner.uow)


@contextmanager
def _undone(superuser):
    """Put both tables back as they were when the block ends."""
    tables = ("audit_records", "audit_heads")
    for table in tables:
        superuser.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")
    yield
    for table in tables:
        superuser.execute(f"DELETE FROM {table}")
        superuser.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
        superuser.execute(f"DROP TABLE kept_{table}")


#: What a forger does to record %(at)s, each beside the number that the verifier must then name.
_FORGERIES = {
    "deleted": ("DELETE FROM {t} WHERE sequence = %(at)s", "at"),
    "another action": ("UPDATE {t} SET action = 'face.read' WHERE sequence = %(at)s", "at"),
    "another actor": ("UPDATE {t} SET actor_id = %(id)s WHERE sequence = %(at)s", "at"),
    "another target": ("UPDATE {t} SET target_id = %(id)s WHERE sequence = %(at)s", "at"),
    "another tenant": ("UPDATE {t} SET tenant_id = %(id)s WHERE sequence = %(at)s", "at"),
    "another verdict": ("UPDATE {t} SET verdict = 'granted' WHERE sequence = %(at)s", "at"),
    "another time": (
        "UPDATE {t} SET at = at - interval '1 microsecond' WHERE sequence = %(at)s",
        "at",
    ),
    "another request": ("UPDATE {t} SET request_id = 'x' WHERE sequence = %(at)s", "at"),
    "other details": ("UPDATE {t} SET details = '{{\"a\": 1}}' WHERE sequence = %(at)s", "at"),
    "another code": ("UPDATE {t} SET mac = sha256(mac) WHERE sequence = %(at)s", "at"),
    "exchanged": (
        (
            "UPDATE {t} SET sequence = -sequence WHERE sequence IN (%(at)s, %(to)s);"
            "UPDATE {t} SET sequence = %(at)s + %(to)s + sequence WHERE sequence < 0"
        ),
        "at",
    ),
    "exchanged with their codes": (
        (
            "UPDATE {t} AS one SET sequence = -other.sequence, mac = other.mac FROM {t} AS other"
            " WHERE (one.sequence, other.sequence) IN ((%(at)s, %(to)s), (%(to)s, %(at)s));"
            "UPDATE {t} SET sequence = -sequence WHERE sequence < 0"
        ),
        "at",
    ),
    "deleted and closed up": (
        (
            "DELETE FROM {t} WHERE sequence = %(at)s;"
            "UPDATE {t} SET sequence = -sequence WHERE sequence > %(at)s;"
            "UPDATE {t} SET sequence = -sequence - 1 WHERE sequence < 0"
        ),
        "at",
    ),
    "cut off behind": ("DELETE FROM {t} WHERE sequence >= %(at)s", "at"),
    "one more behind the end": (
        (
            "INSERT INTO {t} SELECT %(id)s, %(end)s + 1, mac, at, tenant_id, actor_kind, actor_id,"
            " action, verdict, target_kind, target_id, request_id, details FROM {t}"
            " WHERE sequence = %(end)s"
        ),
        "behind",
    ),
    "all gone": ("TRUNCATE {t}", "first"),
    "cut off, and the head moved back": (
        (
            "UPDATE audit_heads SET (sequence, mac) ="
            " (SELECT sequence, mac FROM {t} WHERE sequence = %(at)s - 1);"
            "DELETE FROM {t} WHERE sequence >= %(at)s"
        ),
        "head",
    ),
    "the start pruned by hand": (
        (
            "UPDATE audit_heads SET (pruned_sequence, pruned_mac) ="
            " (SELECT sequence, mac FROM {t} WHERE sequence = %(at)s);"
            "DELETE FROM {t} WHERE sequence <= %(at)s"
        ),
        "head",
    ),
}


def test_the_verifier_names_what_was_changed(world, chain, superuser, size, finding):
    n = size(small=80, fast=1000, full=1000)
    _act(world, n)
    early = _seal(world, chain)
    _act(world, 8)
    head = _seal(world, chain)
    chance = random.Random(31)
    assert check_trail([chain], uow=world.owner.uow).fault is None
    tried, named = 0, 0
    naive = _PlainLog(superuser, head.sequence)
    for statements, expected in _FORGERIES.values():
        for _ in range(size(small=1, fast=3, full=10)):
            at, to = sorted(chance.sample(range(2, head.sequence), 2))
            values = {"at": at, "to": to, "end": head.sequence, "id": uuid4()}
            places = {"at": at, "behind": head.sequence + 1, "first": 1, "head": 0}
            with _undone(superuser):
                for statement in statements.format(t="audit_records").split(";"):
                    superuser.execute(statement, values)
                fault = check_trail([chain], uow=world.owner.uow).fault
            tried += 1
            named += fault is not None and fault.sequence == places[expected]
            naive.suffer(statements, values)
    with _undone(superuser):  # the whole of an earlier moment, which only a note elsewhere betrays
        superuser.execute("DELETE FROM audit_records WHERE sequence > %s", [early.sequence])
        superuser.execute(
            "UPDATE audit_heads SET (sequence, mac, seal) = (%s, %s, %s)",
            [early.sequence, early.mac, early.seal],
        )
        noted = head.sequence, head.mac
        fault = check_trail([chain], noted=noted, uow=world.owner.uow).fault
        tried += 1
        named += fault is not None and fault.sequence == early.sequence + 1
    with _undone(superuser):  # all of it written anew, under a key of the forger's
        superuser.execute("UPDATE audit_records SET sequence = NULL, mac = NULL")
        superuser.execute("DELETE FROM audit_heads")
        _seal(world, AuditChain("the forger's"))
        fault = check_trail([chain], uow=world.owner.uow).fault
        tried += 1
        named += fault is not None and fault.sequence == 0
    assert check_trail([chain], noted=noted, uow=world.owner.uow).fault is None
    finding(
        test="T31",
        promise="A change, removal or move of a record of the audit trail is found out",
        n=tried,
        figure=f"{named} of {tried} changes by a superuser named, each by its place among"
        f" {head.sequence} records",
        passed=named == tried,
        naive=f"a plain log table: {naive.noticed} of {naive.suffered} noticed, by gaps in its ids",
        naive_failed=naive.noticed < naive.suffered,
    )


class _PlainLog:
    """The same rows as one first writes them: a number, what was done, and nothing to check."""

    def __init__(self, connection, rows):
        self.connection, self.rows = connection, rows
        self.suffered = self.noticed = 0

    def suffer(self, statements, values):
        """Do to it what a forger does who does not care for codes; look for gaps afterwards."""
        if "audit_heads" in statements:
            return
        self.connection.execute("CREATE TEMP TABLE plain AS SELECT * FROM audit_records")
        for statement in statements.format(t="plain").split(";"):
            self.connection.execute(statement, values)
        [(least, most, count)] = self.connection.execute(
            "SELECT min(sequence), max(sequence), count(*) FROM plain"
        ).fetchall()
        self.connection.execute("DROP TABLE plain")
        self.suffered += 1
        self.noticed += count > 0 and (most - least + 1 != count)


def test_the_services_own_roles_change_nothing(world, chain, finding):
    """Nor does the tables' owner by accident: the triggers are for it."""
    _act(world, 4)
    _seal(world, chain)
    acme = world.households[0].tenant_id
    attempts = [
        "UPDATE audit_records SET action = 'x'",
        "UPDATE audit_records SET sequence = NULL",
        "UPDATE audit_records SET sequence = sequence + 1000, mac = mac",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
        "DELETE FROM audit_heads",
        "TRUNCATE audit_heads",
        "DROP TABLE audit_records",
        "ALTER TABLE audit_records DISABLE TRIGGER ALL",
    ]
    url = world.web.settings.database_url.get_secret_value().replace("+psycopg", "")
    refused = 0
    with psycopg.connect(url) as connection:
        for role in ("vultus_web", "vultus_worker"):
            for attempt in attempts:
                connection.execute(f"SET ROLE {role}")
                connection.execute(f"SET vultus.tenant = '{acme}'")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(attempt)
                refused += 1
                connection.rollback()
        owned = 0
        for attempt in attempts[:7]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)
            owned += 1
            connection.rollback()
        connection.execute("CREATE TEMP TABLE plain AS SELECT * FROM audit_records")
        connection.execute("GRANT ALL ON plain TO vultus_web")
        connection.execute("SET ROLE vultus_web")
        lost = connection.execute("DELETE FROM plain").rowcount
    finding(
        test="T31",
        promise="The service's own roles can add to the audit trail, and change nothing in it",
        n=refused + owned,
        figure=f"{refused} of {2 * len(attempts)} attempts of both roles refused, {owned} of 7 of"
        " the owner",
        passed=refused == 2 * len(attempts) and owned == 7,
        naive=f"a table with the usual grants: {lost} records deleted",
        naive_failed=lost > 0,
    )


def test_every_refusal_and_every_change_has_its_record(world, superuser, finding, caplog):
    """Of every operation that there is; a new one that leaves no record fails here."""
    caplog.set_level(logging.INFO, "app.access")
    home, other = world.settle("recorded"), world.households[0]
    world.households.remove(home)
    client, calls = world.client(), []

    def call(operation, key, ids):
        method, rule = operation
        request_id = uuid4().hex
        path = _PARAMETER.sub(lambda found: (ids | PLACES)[found[1]], rule)
        options = ROWS[operation].options()
        headers = {"x-api-key": key, "x-request-id": request_id}
        status = client.open(path, method=method, headers=headers, **options).status_code
        calls.append((operation, status, request_id))

    ordered = sorted(ROWS, key=_least_harm_first)
    strange = {name: str(uuid4()) for name in home.ids}
    for operation in ordered:
        needs = ROWS[operation].needs
        if isinstance(needs, ServiceType):
            keys = {"own": home.services[needs]}
        else:
            keys = {"own": home.keys["admin"]}
            for refused in ("revoked", "expired"):
                call(operation, home.keys[refused], home.ids)
            call(operation, _wrong(home.keys["admin"]), home.ids)
            if needs is not Scope.READ:
                call(operation, home.keys["read"], home.ids)
        if _PARAMETER.search(operation[1]):
            for ids in (other.ids, strange):
                call(operation, keys["own"], {**home.ids, **ids})
    for operation in ordered:
        needs = ROWS[operation].needs
        own = home.services[needs] if isinstance(needs, ServiceType) else home.keys["admin"]
        call(operation, own, home.ids)
    recorded = {}
    for request_id, action, verdict in superuser.execute(
        "SELECT request_id, action, verdict FROM audit_records"
    ):
        recorded.setdefault(request_id, []).append((action, verdict))
    verdicts = {401: "unauthenticated", 403: "forbidden", 404: "not_found"}
    denied = [one for one in calls if one[1] in verdicts]
    changed = [
        one
        for one in calls
        if one[0][0] != "GET" and one[1] in _TAKEN and one[0] not in _TOUCHES_NOTHING
    ]
    unrecorded = [
        one for one in denied if ("access.deny", verdicts[one[1]]) not in recorded.get(one[2], [])
    ] + [one for one in changed if not any(v == "done" for _, v in recorded.get(one[2], []))]
    anonymous = sum(
        line.name == "app.access" and line.status in verdicts and line.key_id is None
        for line in caplog.records
    )
    assert len(denied) > 200
    assert len({one[0] for one in changed}) > 40
    finding(
        test="T31",
        promise="Every refusal, every search and every change leaves a record",
        n=len(denied) + len(changed),
        figure=f"{len(denied)} refusals and {len(changed)} changes and searches,"
        f" {len(unrecorded)} without a record",
        passed=not unrecorded,
        naive=f"the access log alone: {anonymous} refusals without whose key it was",
        naive_failed=anonymous > 0,
    )


def _least_harm_first(operation):
    """Administration ends services and changes their keys; what holds others goes after them."""
    method, rule = operation
    return rule.startswith("/admin"), method == "DELETE", method != "GET", -rule.count("/"), rule


def _wrong(key):
    """Give the key with another secret: its public part is known."""
    return "_".join([*key.split("_", 2)[:2], "x" * 43])


def test_the_trail_holds_no_names_no_vectors_no_images_and_no_keys(world, superuser, finding):
    home = world.households[0]
    client = world.client()
    headers = {"x-api-key": home.keys["admin"]}
    name = {"query_string": {"subject": _NAME}}
    for path in (f"/v1/collections/{COLLECTION}/faces", f"/v1/collections/{_NAME}/faces"):
        client.post(path, headers=headers, **name, **PHOTO)
    client.post("/v1/keys", headers=headers, json={"name": _NAME, "scope": "read"})
    client.post(f"/v1/collections/{COLLECTION}/subjects", headers=headers, json={"name": _NAME})
    client.get(f"/v1/collections/{COLLECTION}/subjects/{_NAME} II", headers=headers)
    client.patch(f"/v1/collections/{COLLECTION}", headers=headers, json={"name": f"{_NAME} III"})
    client.patch(f"/v1/collections/{_NAME} III", headers=headers, json={"name": COLLECTION})
    client.get("/v1/jobs", headers={"x-api-key": _wrong(home.keys["admin"])})
    rows = superuser.execute("SELECT to_jsonb(r)::text FROM audit_records r").fetchall()
    text = "\n".join(row for [row] in rows)
    secrets = {
        _NAME.split(maxsplit=1)[0],
        COLLECTION + '"',
        PHOTO["data"][:32].hex(),
        "x" * 43,
        *(key.split("_", 2)[2] for key in home.keys.values()),
        *home.services.values(),
    }
    vectors = superuser.execute("SELECT vector_send(embedding) FROM faces").fetchall()
    secrets |= {vector[4:36].hex() for [vector] in vectors}
    found = {secret for secret in secrets if secret.lower() in text.lower()}
    bodies = superuser.execute("SELECT parameters::text FROM jobs").fetchall()
    naive = sum(_NAME in body for [body] in bodies)
    finding(
        test="T31",
        promise="The audit trail holds no name, no vector, no image and no key",
        n=len(secrets),
        figure=f"{len(found)} of {len(secrets)} found in {len(rows)} records",
        passed=not found,
        naive=f"requests logged as they come: the name in {naive} of them",
        naive_failed=naive > 0,
    )
