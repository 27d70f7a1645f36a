"""Several tenants in one service, each with one of everything that a path can name."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from factories import analysed_face, image_analysis, image_bytes, model_profile
from fakes import FakeClock, FakeJobQueue, FakeSender

from app.bootstrap import Container
from app.compat.compreface.usecases.applications import NewService, create_service
from app.domain.access import Scope
from app.domain.backlog import Bounds
from app.domain.caller import Caller
from app.domain.compreface import ServiceType
from app.domain.job import JobType
from app.factory import create_app
from app.services.access.keys import create_key, revoke_key
from app.services.access.tenants import create_tenant
from app.services.jobs.admission import Admission
from app.services.jobs.complete import Outcome
from app.services.recognition.enrol import enrolled
from app.settings import Settings
from app.storage.database.engine import build_engine
from app.storage.database.health import check_database
from app.storage.database.pulses import PostgresPulses
from app.storage.database.tenancy import DatabaseRole
from app.storage.jobs.bell import PostgresJobBell
from app.storage.unit_of_work import SqlUnitOfWork
from tests.databases import new_database
from tests.made_results import RESULT_OF

MODEL = "facenet-msceleb-128"
OTHER_MODEL = "facenet-casia-512"
PHOTO = {"data": image_bytes(), "content_type": "image/jpeg"}
COLLECTION, SUBJECT = "staff", "Ann"


@dataclass
class Household:
    """A tenant, its keys by purpose, and the ids of its things by the names that paths give."""

    name: str
    tenant_id: object
    keys: dict[str, str] = field(default_factory=dict)
    services: dict[ServiceType, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def mentioned(self, text):
        """Which of its ids a text gives away."""
        return [name for name, value in self.ids.items() if value in text]


@dataclass
class World:
    """The service as its web process and as its owner have it, and the tenants in it."""

    web: Container
    owner: Container
    households: list[Household] = field(default_factory=list)

    def client(self, web=None):
        return create_app(web or self.web).test_client()

    def settle(self, name):
        """Add a tenant that has one of everything, two where a listing needs a second page."""
        tenant = create_tenant(name, uow=self.owner.uow, clock=self.owner.clock)
        home = Household(name, tenant.id)
        container = self.owner.acting_for(tenant.id)
        for purpose, scope, age in (
            ("admin", Scope.ADMIN, None),
            ("write", Scope.WRITE, None),
            ("read", Scope.READ, None),
            ("revoked", Scope.ADMIN, None),
            ("expired", Scope.ADMIN, timedelta(hours=-1)),
        ):
            key, credential = create_key(
                name=purpose,
                scope=scope,
                expires_at=age and datetime.now(UTC) + age,
                caller=Caller.of_command_line(tenant.id),
                uow=container.uow,
                clock=container.clock,
            )
            home.keys[purpose] = str(credential)
            if purpose == "revoked":
                who = Caller.of_command_line(tenant.id)
                revoke_key(key.id, caller=who, uow=container.uow, clock=container.clock)
            if purpose == "read":
                home.ids["key_id"] = str(key.id)
        self._furnish(home)
        for kind in ServiceType:
            wanted = NewService(application="door", name=kind, type=kind, model=MODEL)
            _, home.services[kind] = create_service(
                wanted, uow=container.uow, clock=container.clock
            )
        home.services = {kind: str(key) for kind, key in home.services.items()}
        self._furnish_service(home)
        self.households.append(home)
        return home

    def _furnish(self, home):
        client = self.client()
        call = partial(client.open, headers={"x-api-key": home.keys["admin"]})

        def post(path, **options):
            answer = call(path, method="POST", **options)
            assert answer.status_code < 300, answer.text
            return answer.json

        people = {"name": COLLECTION, "keep_probes": True}
        home.ids["collection"] = post("/v1/collections", json=people)["id"]
        post("/v1/collections", json={"name": f"only {home.name}"})
        faces = f"/v1/collections/{COLLECTION}/faces"
        enrolment = post(faces, query_string={"subject": SUBJECT}, **PHOTO)
        home.ids["face_id"] = self.work_off(enrolment["id"])
        home.ids["job_id"] = post(f"/v1/collections/{COLLECTION}/recognitions", **PHOTO)["id"]
        recognised = Outcome(result=RESULT_OF[JobType.RECOGNITION])
        self._complete(home.ids["job_id"], lambda *_: recognised)
        changes = f"/v1/collections/{COLLECTION}/reembeddings"
        home.ids["reembedding_id"] = post(changes, json={"model": OTHER_MODEL})["id"]
        post("/v1/detections", **PHOTO)
        subjects = call(f"/v1/collections/{COLLECTION}/subjects", method="GET").json["items"]
        home.ids["subject"] = subjects[0]["id"]
        consents = f"/v1/collections/{COLLECTION}/subjects/{SUBJECT}/consents"
        agreed = {"purpose": "door", "text_version": "1"}
        home.ids["consent_id"] = post(consents, json=agreed)["id"]
        for held in (f"/v1/collections/{COLLECTION}", consents.removesuffix("/consents")):
            call(f"{held}/legal-hold", method="PUT", json={"reference": "case-1"})
        hook = {"url": f"https://{home.name}.example/hook", "events": ["job.succeeded"]}
        home.ids["endpoint_id"] = post("/v1/webhooks", json=hook)["id"]
        post("/v1/webhooks", json=hook)
        sent = post(f"/v1/webhooks/{home.ids['endpoint_id']}/test")
        home.ids["delivery_id"] = sent["id"]

    def _furnish_service(self, home):
        """Enrol a face in the collection of the recognition service, as its worker would."""
        with self.owner.uow(home.tenant_id) as work:
            [application] = work.applications.all()
            [service] = [
                one
                for one in work.services.page(application.id)
                if one.type is ServiceType.RECOGNITION
            ]
        home.ids |= {"app_id": str(application.id), "model_id": str(service.id)}
        _, credential = create_key(
            name="behind the service",
            scope=Scope.WRITE,
            collection_id=service.collection_id,
            caller=Caller.of_command_line(home.tenant_id),
            uow=self.owner.uow,
            clock=self.owner.clock,
        )
        answer = self.client().post(
            f"/v1/collections/{service.collection_id}/faces",
            headers={"x-api-key": str(credential)},
            query_string={"subject": SUBJECT},
            **PHOTO,
        )
        home.ids["image_id"] = self.work_off(answer.json["id"])

    def work_off(self, job_id):
        """Do what a worker would: enrol a face for the job; return the face's id."""

        def conclude(work, claim, images):
            analyses = [image_analysis(analysed_face()) for _ in images]
            return enrolled(work, claim, claim.parameters, analyses, self.owner.clock)

        home = self._complete(job_id, conclude)
        with self.owner.uow() as work:
            faces = work.faces.page(home, subject_id=None, after=None, limit=9)
        return str(faces[-1].id)

    def _complete(self, job_id, conclude):
        """Claim a job and end it with what the function makes of it; return its collection's id."""
        with self.owner.uow() as work:
            claim, images = work.jobs.claim_named(job_id, worker="test", lease=timedelta(minutes=1))
            work.commit()
        self.owner.desk.complete(claim, lambda work: conclude(work, claim, images))
        return claim.collection_id


@contextmanager
def new_world(server, template, *, pool_size=4):
    """Make a database of its own with the service on it, and no tenants but the first."""
    with new_database(server, template=template) as url, closing(PostgresJobBell(url)) as bell:
        owner, web = (build_engine(url, pool_size=pool_size, role=role) for role in _ROLES)
        container = _container(url, owner, web, bell)
        try:
            yield World(replace(container, uow=partial(SqlUnitOfWork, web)), container)
        finally:
            for engine in (owner, web):
                engine.dispose()


def _container(url, owner, web, bell):
    settings = Settings(
        database_url=url,
        redis_url="redis://127.0.0.1:1/0",
        secret_key="k" * 32,
        compreface_wait_s=0.02,
        max_wait_s=1,
    )
    return Container(
        settings=settings,
        uow=partial(SqlUnitOfWork, owner),
        queue=FakeJobQueue(),
        admission=Admission.within(Bounds(tenant=1000, whole=2000)),
        bell=bell,
        sender=FakeSender(),
        clock=FakeClock(),
        models={name: model_profile(name) for name in (MODEL, OTHER_MODEL)},
        pulses=PostgresPulses(owner, interval_s=1),
        check_parts=lambda: {**check_database(web, silence_s=40), "broker": False, "disk": True},
    )


_ROLES = (None, DatabaseRole.WEB)
