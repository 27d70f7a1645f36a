"""Names at every door, and the addresses of what has one."""

from __future__ import annotations

import base64
import json
import unicodedata
from dataclasses import replace
from io import BytesIO
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

import pytest
from factories import image_bytes
from sqlalchemy import insert, select

from app.compat.compreface.usecases.applications import NewService, create_service
from app.domain.compreface import ServiceType
from app.domain.identity import new_id
from app.storage.tables import SubjectRow

C = "/v1/collections"
R = "/api/v1/recognition"
MODEL = "facenet-msceleb-128"
#: A path with one of these as a step is another path to most clients, escaped or not.
PATHS = [
    ".",
    "..",
    "a/..",
    "../b",
    "./b",
    "a/./b",
    "..\\b",
    "%2e%2e",
    ".%2E",
    "a%2f..",
    "%2E%2e%2Fb",
    "%252e%252E",
    "a%25252F..",
]
#: Clients and proxies take these for other names.
SLASHES = ["/a", "a/", "a//b", "/", "a%2F", "a%252F", "\\a"]
#: Stored under an older rule.
FORMER = [
    *PATHS,
    *SLASHES,
    " a",
    "a\t",
    "a\nb",
    "\ta",
    unicodedata.normalize("NFD", "Zoë"),
    "x" * 300,
    "\ufffd",
    "a?b",
    "a#b",
    "?",
    "100%",
]


@pytest.fixture
def container(container):
    """No worker runs here, so that a caller would wait in vain."""
    settings = container.settings.model_copy(update={"compreface_wait_s": 0.05})
    return replace(container, settings=settings)


@pytest.fixture
def service(container):
    """A recognition service and a client with its key."""
    wanted = NewService(application="door", name="one", type=ServiceType.RECOGNITION, model=MODEL)
    return create_service(wanted, uow=container.uow, clock=container.clock)


@pytest.fixture
def facade(app, service):
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = str(service[1])
    return client


@pytest.fixture
def home(service):
    """The collection of the service, by its id."""
    return f"{C}/{service[0].collection_id}"


@pytest.fixture
def store(owner_engine):
    """Return a function that stores a subject as no door would."""

    def run(collection_id, name):
        subject_id = new_id()
        with owner_engine.begin() as connection:
            connection.execute(
                insert(SubjectRow).values(
                    id=subject_id,
                    collection_id=collection_id,
                    name=name,
                    created_at="2026-01-01T00:00:00Z",
                )
            )
        return subject_id

    return run


@pytest.fixture
def stored(owner_engine):
    """Return a function that reads the names of a collection."""

    def run(collection_id):
        with owner_engine.connect() as connection:
            names = select(SubjectRow.name).where(SubjectRow.collection_id == collection_id)
            return sorted(connection.scalars(names))

    return run


def photograph(**fields):
    return {"data": {"image": (BytesIO(image_bytes()), "a.jpg"), **fields}}


def example(name):
    return {
        "query_string": {"subject": name},
        "data": {"file": (BytesIO(image_bytes()), "a.jpg")},
    }


@pytest.mark.parametrize("name", [*PATHS, *SLASHES, "\ufffd", "a\ufffeb", "\ufdd0"])
def test_a_name_that_reads_as_another_address_is_refused_at_every_native_door(
    admin, staff, stored, name
):
    here = f"{C}/{staff['id']}"
    ann = admin.post(f"{here}/subjects", json={"name": "Ann"}).json
    refused = [
        admin.post(f"{here}/subjects", json={"name": name}),
        admin.patch(f"{here}/subjects/{ann['id']}", json={"name": name}),
        admin.post(f"{here}/faces", **photograph(subject=name)),
        admin.post(f"{here}/faces", query_string={"subject": name}, **photograph()),
        admin.post(f"{here}/faces", json={"image": "", "subject": name}),
        admin.post(f"{here}/faces", json={"image": "", "not_subject": name}),
        admin.post(C, json={"name": name}),
        admin.patch(here, json={"name": name}),
    ]
    assert {answer.status_code for answer in refused} == {400}
    assert stored(staff["id"]) == ["Ann"]


@pytest.mark.parametrize(
    "name", [*PATHS, *SLASHES, "\ufffd", "a\tb", "a\nb", "x" * 201, "x" * 3000]
)
def test_a_name_that_reads_as_another_address_is_refused_at_every_door_of_the_facade(
    facade, service, stored, name
):
    facade.post(f"{R}/subjects", json={"subject": "Ann"})
    refused = [
        facade.post(f"{R}/subjects", json={"subject": name}),
        facade.put(f"{R}/subjects/Ann", json={"subject": name}),
        facade.post(f"{R}/faces", **example(name)),
        facade.post("/api/v1/faces", **example(name)),
    ]
    assert {answer.status_code for answer in refused} == {400}
    assert {answer.json["code"] for answer in refused} <= {26, 36}
    assert stored(service[0].collection_id) == ["Ann"]


@pytest.mark.parametrize("name", FORMER)
def test_what_was_stored_under_an_older_rule_is_reached_as_itself_from_both_doors(
    admin, facade, home, service, store, stored, name
):
    others = {"Ann", unicodedata.normalize("NFC", name).strip(), name.strip("/"), "a", "b"} - {
        "",
        name,
    }
    collection_id = service[0].collection_id
    for other in others:
        store(collection_id, other)
    subject_id = str(store(collection_id, name))
    escaped = quote(name, safe="")
    listed = [one["id"] for one in admin.get(f"{home}/subjects").json["items"]]
    assert subject_id in listed
    for reference in (subject_id, escaped):
        assert admin.get(f"{home}/subjects/{reference}").json["id"] == subject_id
    asked = {"query_string": {"name": name}}
    assert [one["id"] for one in admin.get(f"{home}/subjects", **asked).json["items"]] == [
        subject_id
    ]
    assert facade.delete(f"{R}/subjects/{escaped}").json == {"subject": name}
    assert stored(collection_id) == sorted(others)
    again = str(store(collection_id, name))
    assert admin.delete(f"{home}/subjects/{escaped}").status_code == 202
    assert admin.get(f"{home}/subjects/{again}").status_code == 404
    store(collection_id, name)
    erased = facade.delete(f"{R}/faces", query_string={"subject": name})
    # The facade's own rule: a blank name is none.
    assert erased.status_code == 200
    assert stored(collection_id) == sorted(others)


@pytest.mark.parametrize(
    "name", ["AC/DC", "a?b", "a#b", "100%", "a%20b", "a;b", "a\\b", "a+b", "…"]
)
def test_a_name_with_signs_of_urls_has_an_address_of_its_own(admin, staff, name):
    here = f"{C}/{staff['id']}/subjects"
    made = admin.post(here, json={"name": name})
    assert made.status_code == 201
    for at in (f"{here}/{quote(name, safe='')}", made.headers["Location"]):
        assert admin.get(at).json == made.json
    other = admin.post(here, json={"name": "b"}).json
    assert admin.delete(f"{here}/{quote(name, safe='')}").status_code == 202
    assert [one["id"] for one in admin.get(here).json["items"]] == [other["id"]]


@pytest.mark.parametrize("path", ["a%2F", "a%2f", "%2Fa", "a%2F%2F", "a/"])
def test_an_escaped_slash_is_part_of_the_name(admin, facade, home, service, store, stored, path):
    store(service[0].collection_id, "a")
    if path != "a/":
        assert facade.delete(f"{R}/subjects/{path}").status_code == 404
        assert facade.put(f"{R}/subjects/{path}", json={"subject": "b"}).status_code == 404
    assert admin.get(f"{home}/subjects/{path}").status_code == (200 if path == "a/" else 404)
    for change in (admin.delete, admin.patch):
        assert change(f"{home}/subjects/{path}", json={"name": "b"}).status_code == 404
    assert stored(service[0].collection_id) == ["a"]


def test_a_percent_sign_that_escapes_nothing_stands_for_itself(admin, home, service, store):
    for name in ("a/b", "a%2Fb", "a%", "a%zz"):
        store(service[0].collection_id, name)
    for path, name in (
        ("a%%32Fb", "a%2Fb"),
        ("a%2Fb", "a/b"),
        ("a%", "a%"),
        ("a%25", "a%"),
        ("a%zz", "a%zz"),
    ):
        assert admin.get(f"{home}/subjects/{path}").json["name"] == name


@pytest.mark.parametrize("name", ["x" * 10_000, '"' * 2_000, "\x01" * 2_000])
def test_a_listing_goes_on_behind_the_longest_name(admin, home, service, store, name):
    names = {"a", name, "zz"}
    for one in names:
        store(service[0].collection_id, one)
    found, at = [], f"{home}/subjects?page_size=1"
    while at:
        page = admin.get(at)
        found += [one["name"] for one in page.json["items"]]
        at = page.headers.get("Link", "")[1:].partition(">")[0]
    assert len(found) == len(names)
    assert set(found) == names


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"{R}/subjects/"),
        ("DELETE", f"{R}/faces/"),
        ("DELETE", "/api/v1/faces/"),
        ("DELETE", f"{R}/faces?subject="),
        ("DELETE", f"{R}/faces/?subject=%20"),
        ("DELETE", "/api/v1/faces?subject="),
    ],
)
def test_a_name_that_a_client_lost_removes_nobody(facade, service, store, stored, method, path):
    store(service[0].collection_id, "Ann")
    answer = facade.open(path, method=method)
    assert (answer.status_code, answer.json["code"]) == (400, 26)
    assert stored(service[0].collection_id) == ["Ann"]


def test_everybody_is_still_removed_at_the_address_for_it(facade, service, store, stored):
    store(service[0].collection_id, "Ann")
    assert facade.delete(f"{R}/subjects").json == {"deleted": 1}
    assert stored(service[0].collection_id) == []


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_a_collection_is_not_changed_at_an_address_that_a_client_shortened(admin, staff, method):
    at = f"{C}/{staff['id']}"
    assert admin.open(f"{at}/", method=method, json={"name": "b"}).status_code == 404
    assert admin.get(f"{at}/").json == staff


def test_the_id_of_one_is_not_the_address_of_another_who_is_called_so(admin, staff):
    here = f"{C}/{staff['id']}/subjects"
    ann = admin.post(here, json={"name": "Ann"}).json
    other = admin.post(here, json={"name": ann["id"]}).json
    assert admin.get(f"{here}/{ann['id']}").json == ann
    assert admin.get(f"{here}/{other['id']}").json == other
    named = admin.get(here, query_string={"name": ann["id"]}).json["items"]
    assert named == [other]


def test_one_name_in_several_forms_is_one_person_at_both_doors(
    admin, facade, home, stored, service
):
    composed, decomposed = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    assert facade.post(f"{R}/subjects", json={"subject": f" {decomposed} "}).json == {
        "subject": composed
    }
    for name in (composed, decomposed, f"  {composed}"):
        assert facade.post(f"{R}/subjects", json={"subject": name}).json["code"] == 43
        assert admin.post(f"{home}/subjects", json={"name": name}).status_code == 409
        reference = quote(name, safe="")
        assert admin.get(f"{home}/subjects/{reference}").json["name"] == composed
        assert facade.put(f"{R}/subjects/{reference}", json={"subject": composed}).json == {
            "updated": False
        }
    assert stored(service[0].collection_id) == [composed]


def test_an_enrolment_names_its_subject_in_the_form_that_is_stored(
    facade, container, service, store, owner_engine
):
    store(service[0].collection_id, " Ann")
    for stated, meant in ((" Ann", " Ann"), ("Bob ", "Bob"), ("ANN", "ANN")):
        facade.post(f"{R}/faces", **example(stated))
        [(job_id, _)] = container.queue.jobs[-1:]
        with container.uow() as work:
            assert work.jobs.get(UUID(str(job_id))).parameters.subject == meant


@pytest.mark.parametrize(
    "name", ["\U000323b0", "\U00033479", "\ue000", "\U000f0000", "\u0378", "\U0003fffd"]
)
def test_private_and_newer_characters_may_stand_in_names(admin, facade, home, staff, name):
    made = admin.post(f"{C}/{staff['id']}/subjects", json={"name": name})
    assert made.json["name"] == name
    assert admin.get(f"{C}/{staff['id']}/subjects/{name}").json == made.json
    assert facade.post(f"{R}/subjects", json={"subject": name}).status_code == 201
    assert admin.get(f"{home}/subjects/{name}").status_code == 200


class TestNotUtf8:
    """Bytes that are read as U+FFFD would make one name of many."""

    def test_in_a_path(self, admin, facade, home, store, service):
        store(service[0].collection_id, "a\ufffd")
        for path in ("a%ff", "a%C3", "a%ED%A0%80"):
            assert admin.get(f"{home}/subjects/{path}").status_code == 404
            assert facade.delete(f"{R}/subjects/{path}").status_code == 404
        assert admin.get(f"{home}/subjects/a%EF%BF%BD").status_code == 200

    @pytest.mark.parametrize("text", ["a%ff", "a%C3", "a%ED%A0%80", "%ff=1"])
    def test_in_a_query(self, admin, facade, home, text):
        for answer in (
            admin.get(f"{home}/faces?subject={text}"),
            admin.post(f"{home}/faces?subject={text}", **photograph()),
        ):
            assert answer.status_code == 400
            assert answer.json["type"].endswith("/problems/invalid-request")
        for answer in (
            facade.post(f"{R}/faces?subject={text}", data=example("")["data"]),
            facade.delete(f"{R}/faces?subject={text}"),
        ):
            assert (answer.status_code, answer.json["code"]) == (400, 26)

    def test_in_a_form(self, admin, facade, home):
        body = (
            b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.jpg"\r\n\r\n%s\r\n'
            b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\na\xff\r\n--x--\r\n'
        )
        form = "multipart/form-data; boundary=x"
        picture = image_bytes()
        native = admin.post(f"{home}/faces", data=body % (b"image", picture), content_type=form)
        assert native.status_code == 400
        other = facade.post(f"{R}/faces", data=body % (b"file", picture), content_type=form)
        assert (other.status_code, other.json["code"]) == (400, 26)
        urlencoded = facade.post(
            f"{R}/faces", data=b"subject=a%ff", content_type="application/x-www-form-urlencoded"
        )
        assert urlencoded.status_code == 400

    @pytest.mark.parametrize("text", [b'"a\xff"', b'"a\xed\xa0\x80"', rb'"a\ud800"'])
    def test_in_json(self, admin, facade, home, text):
        kind = {"content_type": "application/json"}
        assert admin.post(f"{home}/subjects", data=b'{"name":%s}' % text, **kind).status_code == 400
        answer = facade.post(f"{R}/subjects", data=b'{"subject":%s}' % text, **kind)
        assert answer.status_code == 400


class TestListings:
    """What a listing says of where it goes on."""

    @pytest.mark.parametrize("name", ["李小龍", "Ünï", "a?b", "a#b", "a%20b", "100%", "a&b", "😀"])
    def test_the_next_page_is_where_the_link_says(self, admin, name):
        collection = admin.post(C, json={"name": name}).json
        here = f"{C}/{quote(name, safe='')}/subjects"
        for person in ("Ann", "Bob", "Cleo"):
            admin.post(here, json={"name": person})
        first = admin.get(f"{here}?page_size=2")
        assert first.status_code == 200
        link = first.headers["Link"]
        assert link.isascii()
        target = link.removeprefix("<").partition(">")[0]
        assert unquote(urlsplit(target).path) == f"{C}/{name}/subjects"
        rest = admin.get(target).json["items"]
        assert [one["name"] for one in rest] == ["Cleo"]
        assert rest[0]["collection_id"] == collection["id"]

    def test_a_token_says_nothing_of_anybody(self, admin, staff):
        here = f"{C}/staff/subjects"
        for person in ("Ann Secret", "Bob", "Cleo"):
            admin.post(here, json={"name": person})
        tokens = {admin.get(f"{here}?page_size=1").json["next_page_token"] for _ in range(2)}
        assert len(tokens) == 2  # not even that two are of one place
        for token in tokens:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            assert b"Ann" not in raw
            assert b"staff" not in raw

    @pytest.mark.parametrize(
        "token",
        [
            "x",
            "WyJhIixbIkFubiJdXQ.abc",
            "é",
            "A" * 60,
            "A" * 4096,
            "=",
            json.dumps(["/v1/collections?", ["Ann"]]),
        ],
    )
    def test_a_token_that_is_none_is_refused(self, admin, staff, token):
        answer = admin.get(f"{C}/staff/subjects", query_string={"page_token": token})
        assert answer.status_code == 400
        assert answer.json["errors"][0]["pointer"] == "#/page_token"

    def test_the_longest_names_can_be_listed_page_by_page(self, admin, staff, store):
        names = sorted(letter * 800 for letter in ("\U0001f600", "\U0001f601", "\U0001f602"))
        for name in names[:-1]:
            store(staff["id"], name[:600])
        store(staff["id"], names[-1][:600])
        found, token = [], None
        while True:
            query = {"page_size": 1, **({"page_token": token} if token else {})}
            page = admin.get(f"{C}/staff/subjects", query_string=query).json
            found += [one["name"] for one in page["items"]]
            token = page.get("next_page_token")
            if token is None:
                break
        assert sorted(found) == [name[:600] for name in names]
