"""A tenant with one of everything, and every door by which it can be changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import BytesIO
from uuid import UUID, uuid4

from factories import analysed_face, image_analysis, image_bytes
from sqlalchemy import text

from app.compat.compreface.migration import migrate
from app.compat.compreface.source import SourceExample, SourceService
from app.compat.compreface.usecases.applications import NewService, create_service
from app.domain.access import Scope
from app.domain.audit import Actor, ActorKind
from app.domain.caller import Caller
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.domain.identity import new_id
from app.domain.problem import Problem
from app.domain.reembedding import ReembeddingState
from app.domain.training import Training
from app.services.access.keys import create_key
from app.services.access.tenants import create_tenant
from app.services.jobs.sweep import sweep
from app.services.models.change_steps import ChangeSteps
from app.services.recognition.enrol import enrolled
from tests.made_results import FIGURES

MODEL, NEW = "facenet-msceleb-128", "facenet-casia-512"
PHOTO = image_bytes()
BODY = {"data": PHOTO, "content_type": "image/jpeg"}
#: What a call of CompreFace's API answers for whose job nobody works.
_GOES_ON = 503


class OneService:
    """CompreFace's database with one service, two subjects and one example."""

    def __init__(self):
        self._service = SourceService(
            application="old", name="hall", type=ServiceType.RECOGNITION, key=uuid4()
        )
        self._example = SourceExample(id=uuid4(), subject="Ann", has_photograph=True)

    def services(self):
        return [self._service]

    def subjects(self, _):
        return ["Ann", "Bob"]

    def examples(self, _):
        return [self._example]

    def photographs(self, examples):
        return [(one, PHOTO) for one in examples]


class NoModels:
    """Models that nothing is embedded by."""

    def load(self, model):
        """Have every model."""

    def embed(self, faces, _):
        return dict.fromkeys(face.id for face in faces)

    def figures(self, model, *_, **__):
        return replace(FIGURES, model=model)


class House:
    """A tenant, its collection with Ann's face, and its services with hers too.

    Whatever is done to it is seen in ``records`` and ``receipts``, which remember what was there
    when they were read last.
    """

    def __init__(self, app, container, engine, monkeypatch):
        self.container, self._engine, self._app = container, engine, app
        self._monkeypatch = monkeypatch
        self.worker = replace(container, uow=partial(container.uow, actor=Actor(ActorKind.WORKER)))
        self.tenant = create_tenant("acme", uow=container.uow, clock=container.clock)
        self.own = container.acting_for(self.tenant.id)
        self.caller = Caller.of_command_line(self.tenant.id)
        self.key, credential = create_key(
            name="admin",
            scope=Scope.ADMIN,
            caller=self.caller,
            uow=self.own.uow,
            clock=self.own.clock,
        )
        self._open = app.test_client().open
        self.v1 = partial(self._call, str(credential))
        self.admin = partial(self._call, str(credential))
        staff = self.v1("POST", "/v1/collections", json={"name": "staff"}).json
        self.home = f"/v1/collections/{staff['id']}"
        self.face = self.enrol(self.home, "Ann")
        self.services = {kind: self._service(kind) for kind in ServiceType}
        self.compat = partial(self.call_service, ServiceType.RECOGNITION)
        self.service = self.services[ServiceType.RECOGNITION][0]
        self.example = self.enrol(f"/v1/collections/{self.service.collection_id}", "Ann")
        self._seen = set()
        self.changes()

    def _call(self, key, method, path, **options):
        answer = self._open(path, method=method, headers={"x-api-key": key}, **options)
        assert answer.status_code < 300 or answer.status_code == _GOES_ON, answer.text
        return answer

    def call_service(self, kind, *call, **options):
        """Make a call with the key of a service of some type."""
        return self._call(str(self.services[kind][1]), *call, **options)

    def _service(self, kind):
        wanted = NewService(application="door", name=kind, type=kind, model=MODEL)
        return create_service(wanted, uow=self.own.uow, clock=self.own.clock)

    def changes(self):
        """Return the records and the receipts since the last look, each as it was written down."""
        new = []
        with self._engine.connect() as connection:
            for query in (_RECORDS, _RECEIPTS):
                rows = connection.execute(text(query)).mappings().all()
                new.append([row for row in rows if row["id"] not in self._seen])
                self._seen |= {row["id"] for row in rows}
        return new

    def submit(self, path, **options):
        """Submit a job; return its id."""
        return UUID(self.v1("POST", path, **BODY, **options).json["id"])

    def work_off(self, job_id, *, name="test"):
        """Do what a worker would for an enrolment; return the id of the face."""
        desk = self.worker.desk
        with desk.uow() as work:
            claim, _ = work.jobs.claim_named(job_id, worker=name, lease=timedelta(minutes=1))
            work.commit()
        analysis = image_analysis(analysed_face())
        assert desk.complete(
            claim, lambda work: enrolled(work, claim, claim.parameters, [analysis], desk.clock)
        )
        with desk.uow() as work:
            return str(work.jobs.get(job_id).result.face_ids[0])

    def enrol(self, home, subject):
        return self.work_off(self.submit(f"{home}/faces", query_string={"subject": subject}))

    def end(self, job_id):
        """End a job with an error, so that it can be deleted."""
        with self.own.uow() as work:
            work.jobs.cancel(job_id, expires_at=self.own.clock.now() + timedelta(hours=1))
            work.commit()
        return job_id

    def kill(self, job_id):
        """End a job as dead, so that it can be requeued."""
        with self.own.uow() as work:
            work.jobs.bury(
                work.jobs.get(job_id),
                error=Problem.of(NotFoundError()),
                expires_at=self.own.clock.now(),
            )
            work.commit()
        return job_id

    def agree(self, **terms):
        """Record a consent of Ann's; return its path."""
        path = f"{self.home}/subjects/Ann/consents"
        made = self.v1("POST", path, json={"purpose": "door", "text_version": "1", **terms})
        self.changes()
        return f"{path}/{made.json['id']}"

    def hold(self, what):
        self.v1("PUT", f"{what}/legal-hold", json={"reference": "case-1"})
        self.changes()
        return f"{what}/legal-hold"

    def hook(self):
        hook = {"url": "https://acme.example/hook", "events": ["job.succeeded"]}
        path = f"/v1/webhooks/{self.v1('POST', '/v1/webhooks', json=hook).json['id']}"
        self.changes()
        return path

    def sent(self):
        """Return the path of an event that was sent to an endpoint."""
        hook = self.hook()
        event = self.v1("POST", f"{hook}/test").json["id"]
        self.changes()
        return f"{hook}/deliveries/{event}"

    def second_key(self):
        made, _ = create_key(
            name="b", scope=Scope.READ, caller=self.caller, uow=self.own.uow, clock=self.own.clock
        )
        self.changes()
        return f"/v1/keys/{made.id}"

    def changing(self, state=ReembeddingState.EMBEDDING, **wish):
        """Return the path of a change of model that has come to a state."""
        made = self.v1("POST", f"{self.home}/reembeddings", json={"model": NEW, **wish}).json
        with self.own.uow() as work:
            change = work.reembeddings.get(UUID(made["id"]))
            work.reembeddings.update(replace(change, state=state))
            if state is not ReembeddingState.EMBEDDING:
                home = work.collections.get(change.collection_id)
                models = (NEW, MODEL) if state is ReembeddingState.ACTIVE else (MODEL, NEW)
                changed = dict(zip(("model", "second_model"), models, strict=True))
                work.collections.update(replace(home, **changed))
                work.jobs.cancel(change.job_id, expires_at=self.own.clock.now())
                work.reembeddings.put_vectors(NEW, {UUID(self.face): None})
            work.commit()
        self.changes()
        return f"{self.home}/reembeddings/{made['id']}"

    def settling(self):
        """Return the path of a change of model whose former vectors are being removed."""
        change = self.changing(ReembeddingState.ACTIVE)
        self.v1("POST", f"{change}/finish")
        return change

    def next_steps(self, change):
        """Work a change of model off, as a worker does."""
        desk = self.worker.desk
        goes_on = True
        while goes_on:
            job_id = UUID(self.v1("GET", change).json["links"]["job"].rpartition("/")[2])
            claim = desk.claim_named(job_id, worker="test", lease=timedelta(minutes=1))
            goes_on = ChangeSteps(
                claim=claim,
                desk=desk,
                models=NoModels(),
                receipts=self.worker.receipts,
                complete=partial(desk.complete, claim),
                embedded_at_once=5,
            ).next()

    def train(self):
        """Have the matcher of the service trained."""
        with self.own.uow() as work:
            work.trainings.add(
                Training(
                    id=new_id(),
                    collection_id=self.service.collection_id,
                    model=MODEL,
                    version=1,
                    subject_ids=(),
                    face_count=1,
                    created_at=self.own.clock.now(),
                )
            )
            work.commit()

    def application(self):
        return f"/admin/app/{self.service.application_id}"

    def model(self):
        return f"{self.application()}/model/{self.service.id}"

    def cli(self, *words):
        """Run a command, in a process of its own as an operator does."""
        settings = self.container.settings
        env = {
            "VULTUS_DATABASE_URL": settings.database_url.get_secret_value(),
            "VULTUS_REDIS_URL": settings.redis_url.get_secret_value(),
            "VULTUS_SECRET_KEY": settings.secret_key.get_secret_value(),
        }
        command = [sys.executable, "-m", "app.cli", *map(str, words)]
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **env}
        )
        assert ended.returncode == 0, ended.stderr

    def import_all(self):
        """Carry one service over, while a worker works its jobs off."""
        queue, submitted = self.own.queue, []
        put = queue.put_job

        def put_and_work(job_id, job_type, **how):
            put(job_id, job_type, **how)
            submitted.append(job_id)
            self.work_off(job_id)

        self._monkeypatch.setattr(queue, "put_job", put_and_work)
        report = migrate(OneService(), self.own, progress=lambda _: None)
        assert (report.enrolled, report.left_behind) == (1, [])

    def sweep(self, **later):
        """Do a round of the sweep, some time from now."""
        self.container.clock.advance(timedelta(**later))
        sweep(self.worker.desk, self.worker.receipts)

    @staticmethod
    def photographs(*names):
        return {"data": {name: (BytesIO(PHOTO), "a.jpg") for name in names}}


_RECORDS = """
    SELECT id, action, actor_kind, actor_id, tenant_id, target_id FROM audit_records
    WHERE verdict = 'done'
"""
_RECEIPTS = """
    SELECT id, owner_id, tenant_id, result->>'erased' AS erased, result->'stores' AS stores
    FROM jobs WHERE type = 'erasure'
"""


def actions(records):
    return Counter(record["action"] for record in records)
