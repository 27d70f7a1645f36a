"""Every write leaves its audit record, and every erasure its receipt, whatever door it came by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import click
import pytest

from app.cli.main import cli
from app.domain.compreface import ServiceType
from app.domain.reembedding import ReembeddingState
from app.domain.tenant import DEFAULT_TENANT_ID
from app.factory import create_app
from tests.functional.doors import BODY, House, actions

_KEY, _SERVICE, _COMMAND, _WORKER = "key", "service", "command_line", "worker"
_READY, _ACTIVE = ReembeddingState.READY, ReembeddingState.ACTIVE
_C = "/v1/collections/<collection>"
_CHANGE = f"{_C}/reembeddings/<uuid:reembedding_id>"
_HOOK = "/v1/webhooks/<uuid:endpoint_id>"
_OLD, _FACADE = "/api/v1", "/api/v1/recognition"
_MODEL = "/admin/app/<app_id>/model/<model_id>"


@dataclass(frozen=True)
class Act:
    """Something that is done to a house."""

    #: A method and a route, or the words of a command; None for what no caller asks for.
    door: str | None
    do: object
    #: The actions that it is recorded as.
    records: str
    #: The kinds of receipts that it leaves.
    receipts: str = ""
    by: str = _KEY
    #: What has to be there before; its result is given to ``do``.
    given: object = lambda _: None
    #: Faces that are on the receipts.
    faces: int = 1
    #: Whether it is the operator's, in the first tenant.
    operators: bool = False


def _v1(method, path, **options):
    return lambda house, given: house.v1(
        method, path.format(home=house.home, face=house.face, given=given), **options
    )


def _compat(method, path, **options):
    return lambda house, _: house.compat(method, path.format(example=house.example), **options)


def _with_photographs(path, *names, kind=ServiceType.RECOGNITION):
    return lambda house, _: house.call_service(
        kind, "POST", path.format(example=house.example), **house.photographs(*names)
    )


def _cli(*words):
    def do(house, given):
        house.cli(*(str(word).format(service=house.service.id, given=given) for word in words))

    return do


_NAMED = {"query_string": {"subject": "Ann"}}
_QUIETLY = {"query_string": {"subject": "Ann", "retrain": "no"}}
_VECTORS = {"json": {"embeddings": [[1.0] + [0.0] * 127]}}
_NEW_APP = {"json": {"name": "yard"}}

ACTS = [
    # Our API
    Act(
        "POST /v1/collections",
        _v1("POST", "/v1/collections", json={"name": "b"}),
        "collection.create",
    ),
    Act(f"PATCH {_C}", _v1("PATCH", "{home}", json={"retention_days": 9}), "collection.change"),
    Act(f"DELETE {_C}", _v1("DELETE", "{home}"), "collection.delete", "collection"),
    Act(f"POST {_C}/faces", _v1("POST", "{home}/faces", **BODY, **_NAMED), "enrolment.submit"),
    Act(
        f"PATCH {_C}/faces/<uuid:face_id>",
        _v1("PATCH", "{home}/faces/{face}", json={"subject": "Bob"}),
        "face.relabel subject.create",
    ),
    Act(
        f"DELETE {_C}/faces/<uuid:face_id>",
        _v1("DELETE", "{home}/faces/{face}"),
        "face.delete",
        "face",
    ),
    Act(
        f"PUT {_C}/legal-hold",
        _v1("PUT", "{home}/legal-hold", json={"reference": "c"}),
        "legal_hold.place",
    ),
    Act(
        f"DELETE {_C}/legal-hold",
        _v1("DELETE", "{given}"),
        "legal_hold.lift",
        given=lambda house: house.hold(house.home),
    ),
    Act(
        f"PUT {_C}/subjects/<subject>/legal-hold",
        _v1("PUT", "{home}/subjects/Ann/legal-hold", json={"reference": "c"}),
        "legal_hold.place",
    ),
    Act(
        f"DELETE {_C}/subjects/<subject>/legal-hold",
        _v1("DELETE", "{given}"),
        "legal_hold.lift",
        given=lambda house: house.hold(f"{house.home}/subjects/Ann"),
    ),
    Act(
        f"POST {_C}/recognitions",
        _v1("POST", "{home}/recognitions", **BODY),
        "recognition.submit",
    ),
    Act(
        f"POST {_C}/reembeddings",
        _v1("POST", "{home}/reembeddings", json={"model": "facenet-casia-512"}),
        "reembedding.submit",
    ),
    Act(
        f"POST {_CHANGE}/pause",
        _v1("POST", "{given}/pause"),
        "reembedding.pause",
        given=lambda house: house.changing(),
    ),
    Act(
        f"POST {_CHANGE}/resume",
        _v1("POST", "{given}/resume"),
        "reembedding.resume",
        given=lambda house: house.changing(),
    ),
    Act(
        f"POST {_CHANGE}/activate",
        _v1("POST", "{given}/activate", json={"drop_faces_without_photograph": True}),
        "reembedding.activate",
        given=lambda house: house.changing(_READY),
    ),
    Act(
        f"POST {_CHANGE}/rollback",
        _v1("POST", "{given}/rollback"),
        "reembedding.roll_back",
        given=lambda house: house.changing(_ACTIVE),
    ),
    Act(
        f"POST {_CHANGE}/finish",
        _v1("POST", "{given}/finish"),
        "reembedding.submit",
        given=lambda house: house.changing(_ACTIVE),
    ),
    Act(
        f"POST {_CHANGE}/cancel",
        _v1("POST", "{given}/cancel"),
        "reembedding.submit job.cancel",
        given=lambda house: house.changing(),
    ),
    Act(
        f"POST {_C}/subjects",
        _v1("POST", "{home}/subjects", json={"name": "Bob"}),
        "subject.create",
    ),
    Act(
        f"PATCH {_C}/subjects/<subject>",
        _v1("PATCH", "{home}/subjects/Ann", json={"name": "Bea"}),
        "subject.rename",
    ),
    Act(
        f"DELETE {_C}/subjects/<subject>",
        _v1("DELETE", "{home}/subjects/Ann"),
        "subject.delete",
        "subject",
    ),
    Act(
        f"POST {_C}/subjects/<subject>/consents",
        _v1("POST", "{home}/subjects/Ann/consents", json={"purpose": "a", "text_version": "1"}),
        "consent.give",
    ),
    Act(
        f"POST {_C}/subjects/<subject>/consents/<uuid:consent_id>/withdraw",
        _v1("POST", "{given}/withdraw"),
        "consent.withdraw",
        "faces_without_consent",
        given=lambda house: house.agree(),
    ),
    Act(f"POST {_C}/trainings", _v1("POST", "{home}/trainings"), "training.submit"),
    Act("POST /v1/detections", _v1("POST", "/v1/detections", **BODY), "detection.submit"),
    Act("POST /v1/embeddings", _v1("POST", "/v1/embeddings", **BODY), "embedding.submit"),
    Act(
        "POST /v1/verifications",
        lambda house, _: house.v1(
            "POST", "/v1/verifications", **house.photographs("source", "target")
        ),
        "verification.submit",
    ),
    Act(
        "DELETE /v1/jobs/<uuid:job_id>",
        _v1("DELETE", "/v1/jobs/{given}"),
        "job.delete",
        given=lambda house: house.end(house.submit("/v1/detections")),
    ),
    Act(
        "POST /v1/jobs/<uuid:job_id>/cancel",
        _v1("POST", "/v1/jobs/{given}/cancel"),
        "job.cancel",
        given=lambda house: house.submit("/v1/detections"),
    ),
    Act(
        "POST /v1/jobs/<uuid:job_id>/requeue",
        _v1("POST", "/v1/jobs/{given}/requeue"),
        "job.requeue",
        given=lambda house: house.kill(house.submit("/v1/detections")),
    ),
    Act(
        "POST /v1/keys", _v1("POST", "/v1/keys", json={"name": "b", "scope": "read"}), "key.create"
    ),
    Act(
        "DELETE /v1/keys/<uuid:key_id>",
        _v1("DELETE", "{given}"),
        "key.revoke",
        given=lambda house: house.second_key(),
    ),
    Act(
        "POST /v1/keys/<uuid:key_id>/rotate",
        _v1("POST", "{given}/rotate", json={}),
        "key.rotate",
        given=lambda house: house.second_key(),
    ),
    Act(
        "POST /v1/webhooks",
        _v1("POST", "/v1/webhooks", json={"url": "https://a.example", "events": ["job.failed"]}),
        "endpoint.create",
    ),
    Act(
        f"PATCH {_HOOK}",
        _v1("PATCH", "{given}", json={"enabled": False}),
        "endpoint.change",
        given=lambda house: house.hook(),
    ),
    Act(
        f"DELETE {_HOOK}",
        _v1("DELETE", "{given}"),
        "endpoint.delete",
        given=lambda house: house.hook(),
    ),
    Act(
        f"POST {_HOOK}/rotate",
        _v1("POST", "{given}/rotate"),
        "endpoint.rotate",
        given=lambda house: house.hook(),
    ),
    Act(
        f"POST {_HOOK}/test",
        _v1("POST", "{given}/test"),
        "endpoint.test",
        given=lambda house: house.hook(),
    ),
    Act(
        f"POST {_HOOK}/redeliver",
        _v1("POST", "{given}/redeliver", json={"since": "2026-01-01T00:00:00Z"}),
        "endpoint.redeliver",
        given=lambda house: house.hook(),
    ),
    Act(
        f"POST {_HOOK}/deliveries/<uuid:delivery_id>/redeliver",
        _v1("POST", "{given}/redeliver"),
        "endpoint.redeliver",
        given=lambda house: house.sent(),
    ),
    # CompreFace's API
    Act(
        f"POST {_FACADE}/subjects",
        _compat("POST", f"{_FACADE}/subjects", json={"subject": "Bob"}),
        "subject.create",
        by=_SERVICE,
    ),
    Act(
        f"PUT {_FACADE}/subjects/<path:subject>",
        _compat("PUT", f"{_FACADE}/subjects/ann", json={"subject": "Bea"}),
        "subject.rename",
        by=_SERVICE,
    ),
    Act(
        f"PUT {_FACADE}/subjects/<path:subject>",
        _compat("PUT", f"{_FACADE}/subjects/ann", json={"subject": "Bob"}),
        "subject.merge",
        given=lambda house: house.enrol(f"/v1/collections/{house.service.collection_id}", "Bob"),
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_FACADE}/subjects/<path:subject>",
        _compat("DELETE", f"{_FACADE}/subjects/ann"),
        "subject.delete",
        "subject",
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_FACADE}/subjects",
        _compat("DELETE", f"{_FACADE}/subjects"),
        "collection.delete_subjects",
        "all_subjects",
        by=_SERVICE,
    ),
    Act(
        f"POST {_FACADE}/faces",
        _with_photographs(f"{_FACADE}/faces?subject=Ann", "file"),
        "enrolment.submit",
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_FACADE}/faces",
        _compat("DELETE", f"{_FACADE}/faces", **_NAMED),
        "subject.delete",
        "subject",
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_FACADE}/faces",
        _compat("DELETE", f"{_FACADE}/faces"),
        "collection.delete_faces",
        "all_faces",
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_FACADE}/faces/<image_id>",
        _compat("DELETE", f"{_FACADE}/faces/{{example}}"),
        "face.delete",
        "face",
        by=_SERVICE,
    ),
    Act(
        f"POST {_FACADE}/faces/delete",
        lambda house, _: house.compat("POST", f"{_FACADE}/faces/delete", json=[house.example]),
        "face.delete",
        "face",
        by=_SERVICE,
    ),
    Act(
        f"POST {_FACADE}/faces/<image_id>/verify",
        _with_photographs(f"{_FACADE}/faces/{{example}}/verify", "file"),
        "recognition.submit",
        by=_SERVICE,
    ),
    Act(
        f"POST {_FACADE}/recognize",
        _with_photographs(f"{_FACADE}/recognize", "file"),
        "recognition.submit",
        by=_SERVICE,
    ),
    Act(
        f"POST {_FACADE}/embeddings/recognize",
        _compat("POST", f"{_FACADE}/embeddings/recognize", **_VECTORS),
        "collection.search",
        by=_SERVICE,
    ),
    Act(
        f"POST {_FACADE}/embeddings/faces/<image_id>/verify",
        _compat("POST", f"{_FACADE}/embeddings/faces/{{example}}/verify", **_VECTORS),
        "collection.search",
        by=_SERVICE,
    ),
    Act(
        f"POST {_OLD}/detection/detect",
        _with_photographs(f"{_OLD}/detection/detect", "file", kind=ServiceType.DETECTION),
        "detection.submit",
        by=_SERVICE,
    ),
    Act(
        f"POST {_OLD}/verification/verify",
        _with_photographs(
            f"{_OLD}/verification/verify",
            "source_image",
            "target_image",
            kind=ServiceType.VERIFY,
        ),
        "verification.submit",
        by=_SERVICE,
    ),
    Act(
        f"POST {_OLD}/faces",
        _with_photographs(f"{_OLD}/faces?subject=Ann&retrain=no", "file"),
        "enrolment.submit",
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_OLD}/faces",
        _compat("DELETE", f"{_OLD}/faces", **_QUIETLY),
        "face.delete",
        "face",
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_OLD}/faces/<image_id>",
        _compat("DELETE", f"{_OLD}/faces/{{example}}", **_QUIETLY),
        "face.delete",
        "face",
        by=_SERVICE,
    ),
    Act(
        f"POST {_OLD}/recognize",
        _with_photographs(f"{_OLD}/recognize", "file"),
        "recognition.submit",
        given=lambda house: house.train(),
        by=_SERVICE,
    ),
    Act(
        f"POST {_OLD}/retrain",
        _compat("POST", f"{_OLD}/retrain"),
        "training.submit",
        given=lambda house: house.enrol(f"/v1/collections/{house.service.collection_id}", "Bob"),
        by=_SERVICE,
    ),
    Act(
        f"DELETE {_OLD}/retrain",
        _compat("DELETE", f"{_OLD}/retrain"),
        "job.cancel",
        given=lambda house: (
            house.enrol(f"/v1/collections/{house.service.collection_id}", "Bob"),
            house.compat("POST", f"{_OLD}/retrain"),
        ),
        by=_SERVICE,
    ),
    # CompreFace's administration
    Act(
        "POST /admin/app",
        lambda house, _: house.admin("POST", "/admin/app", **_NEW_APP),
        "application.create",
    ),
    Act(
        "PUT /admin/app/<app_id>",
        lambda house, _: house.admin("PUT", house.application(), **_NEW_APP),
        "application.rename",
    ),
    Act(
        "DELETE /admin/app/<app_id>",
        lambda house, _: house.admin("DELETE", house.application()),
        "application.delete service.delete service.delete service.delete collection.delete",
        "collection",
    ),
    Act(
        "POST /admin/app/<app_id>/model",
        lambda house, _: house.admin(
            "POST", f"{house.application()}/model", json={"name": "b", "type": "RECOGNITION"}
        ),
        "service.create collection.create",
    ),
    Act(
        f"POST {_MODEL}",
        lambda house, _: house.admin("POST", house.model(), **_NEW_APP),
        "service.clone collection.create",
    ),
    Act(
        f"PUT {_MODEL}",
        lambda house, _: house.admin("PUT", house.model(), **_NEW_APP),
        "service.rename",
    ),
    Act(
        f"PUT {_MODEL}/apikey",
        lambda house, _: house.admin("PUT", f"{house.model()}/apikey"),
        "service.rotate",
    ),
    Act(
        f"DELETE {_MODEL}",
        lambda house, _: house.admin("DELETE", house.model()),
        "service.delete collection.delete",
        "collection",
    ),
    # The command line
    Act(
        "keys create",
        _cli("keys", "create", "--name", "b", "--tenant", "acme"),
        "key.create",
        by=_COMMAND,
    ),
    Act(
        "tenants create",
        _cli("tenants", "create", "other"),
        "tenant.create",
        by=_COMMAND,
        operators=True,
    ),
    Act(
        "tenants delete",
        _cli("tenants", "delete", "acme", "--yes"),
        "tenant.delete",
        "tenant",
        by=_COMMAND,
        faces=2,
        operators=True,
    ),
    Act(
        "service create",
        _cli(
            *("service", "create", "--tenant", "acme"),
            *("--app", "yard", "--name", "a", "--type", "recognition"),
        ),
        "application.create service.create collection.create",
        by=_COMMAND,
    ),
    Act(
        "service rename",
        _cli("service", "rename", "{service}", "gate"),
        "service.rename",
        by=_COMMAND,
    ),
    Act(
        "service rotate-key",
        _cli("service", "rotate-key", "{service}"),
        "service.rotate",
        by=_COMMAND,
    ),
    Act(
        "service clone",
        _cli("service", "clone", "{service}", "copy"),
        "service.clone collection.create",
        by=_COMMAND,
    ),
    Act(
        "service delete",
        _cli("service", "delete", "{service}"),
        "service.delete collection.delete",
        "collection",
        by=_COMMAND,
    ),
    Act(
        "import compreface",
        lambda house, _: house.import_all(),
        "application.create service.create collection.create subject.create subject.create"
        " enrolment.submit",
        by=_COMMAND,
    ),
    Act(
        "audit export",
        lambda house, given: house.cli("audit", "export", given / "trail", "--tenant", "acme"),
        "audit.export",
        by=_COMMAND,
        given=lambda house: house.folder,
    ),
    Act(
        "backup",
        lambda house, given: house.cli("backup", given / "backup"),
        "backup.write",
        by=_COMMAND,
        given=lambda house: house.folder,
        operators=True,
    ),
    Act(
        "erasures",
        lambda house, given: house.cli("erasures", given / "erasures"),
        "erasures.write",
        by=_COMMAND,
        given=lambda house: house.folder,
        operators=True,
    ),
    # What nobody asks for at the time
    Act(
        None,
        lambda house, given: house.work_off(given),
        "consent.give",
        by=_WORKER,
        given=lambda house: house.submit(
            f"{house.home}/faces?subject=Cleo&consent_purpose=door&consent_text_version=1"
        ),
    ),
    Act(
        None,
        lambda house, _: house.sweep(days=2),
        "face.expire",
        "expired_faces",
        by=_WORKER,
        given=lambda house: (
            house.v1("PATCH", house.home, json={"retention_days": 1}),
            house.enrol(house.home, "Bob"),
        ),
    ),
    Act(
        None,
        lambda house, _: house.sweep(days=2),
        "consent.expire",
        "faces_without_consent",
        by=_WORKER,
        given=lambda house: house.agree(
            expires_at=(house.container.clock.now() + timedelta(days=1)).isoformat()
        ),
    ),
    Act(
        None,
        lambda house, given: house.next_steps(given),
        "face.delete",
        "left_behind_faces",
        by=_WORKER,
        given=lambda house: house.settling(),
    ),
    Act(
        None,
        lambda house, given: house.next_steps(given),
        "reembedding.activate",
        by=_WORKER,
        given=lambda house: house.changing(activate=True, drop_faces_without_photograph=True),
    ),
]

#: Some of these routes do not have all of these methods.
_SAME = "answers what is always the same"
#: Doors by which nothing changes, or nothing that is anybody's.
OPEN = {
    "log in and out": {"POST /admin/oauth/token", "DELETE /admin/oauth/token"},
    _SAME: {
        f"{method} {path}"
        for method in ("DELETE", "PATCH", "POST", "PUT")
        for path in (
            "/api/v1/<path:_>",
            "/admin/<path:_>",
            "/admin/user/<path:_>",
            *(
                f"/admin/app/<app_id>/{users}"
                for users in ("roles", "assign-roles", "invite", "role", "apikey", "user/<path:_>")
            ),
        )
    },
    "starts nothing": {"POST /api/v1/migrate"},
    "compares what the caller brings": {"POST /api/v1/verification/embeddings/verify"},
    "shows": {"keys list", "service list", "tenants list", "models", "openapi"}
    | {"audit list", "audit head", "audit verify"},
    "works on the trail itself": {"audit prune", "audit rekey"},
    "brings tables, or moves bytes that are erased already": {"migrate", "scrub"},
    "needs an empty database; see the tests of backups": {"restore"},
}


@pytest.fixture
def house(container, web_container, owner_engine, monkeypatch, tmp_path):
    settings = container.settings.model_copy(update={"compreface_wait_s": 0.02})
    app = create_app(replace(web_container, settings=settings))
    house = House(app, container, owner_engine, monkeypatch)
    house.folder = tmp_path
    return house


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.door}: {act.records}")
def test_what_is_done_leaves_its_records_and_receipts(house, act):
    given = act.given(house)
    house.changes()
    act.do(house, given)
    records, receipts = house.changes()
    assert actions(records) == Counter(act.records.split())
    assert {record["actor_kind"] for record in records} == {act.by}
    tenant = DEFAULT_TENANT_ID if act.operators else house.tenant.id
    assert {one["tenant_id"] for one in [*records, *receipts]} == {tenant}
    assert [receipt["erased"] for receipt in receipts] == act.receipts.split()
    assert {receipt["stores"]["faces"] for receipt in receipts} <= {act.faces}
    if act.by in {_KEY, _SERVICE}:
        actor = {record["actor_id"] for record in records}
        assert {receipt["owner_id"] for receipt in receipts} <= actor


def test_a_receipt_outlives_the_service_that_asked_for_it(house):
    house.compat("DELETE", f"{_FACADE}/faces/{house.example}")
    house.compat("DELETE", f"{_FACADE}/subjects")
    house.admin("DELETE", house.application())
    _, receipts = house.changes()
    assert sorted(receipt["erased"] for receipt in receipts) == [
        "all_subjects",
        "collection",
        "face",
    ]
    shown = house.v1("GET", "/v1/jobs?type=erasure").json["items"]
    assert {one["id"] for one in shown} == {str(receipt["id"]) for receipt in receipts}


def test_no_door_is_left_out(app):
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}
    }
    doors = routes | set(_commands(cli))
    known = {act.door for act in ACTS if act.door} | set().union(*OPEN.values())
    assert doors - known == set()
    assert known - doors - OPEN[_SAME] == set()


def _commands(group, *words):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *words, name)
        else:
            yield " ".join((*words, name))
