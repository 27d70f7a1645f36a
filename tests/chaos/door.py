"""A tenant with a recognition service in it, and whatever a caller or a worker does there."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import BytesIO
from itertools import count

from factories import analysed_face, image_analysis, job_rules
from sqlalchemy import text

from app.compat.compreface.usecases.applications import NewService, create_service
from app.domain.access import Scope
from app.domain.caller import Caller
from app.domain.compreface import ServiceType
from app.services.access.keys import create_key
from app.services.access.tenants import create_tenant
from app.services.jobs.sweep import sweep
from app.services.recognition.enrol import enrolled
from tests.chaos.tenant_world import MODEL, PHOTO

_NUMBERS = count()
_RULES = job_rules(republish_after=timedelta(hours=1))


class Door:
    """A tenant with an admin key for our API and a service with CompreFace's, of one collection.

    ``v1`` and ``compat`` make a call to them: method, path, options.
    """

    def __init__(self, world):
        self.owner, self.web = world.owner, world.web
        self.name = f"door-{next(_NUMBERS)}"
        self.tenant = create_tenant(self.name, uow=world.owner.uow, clock=world.owner.clock)
        container = world.owner.acting_for(self.tenant.id)
        _, credential = create_key(
            name="admin",
            scope=Scope.ADMIN,
            caller=Caller.of_command_line(self.tenant.id),
            uow=container.uow,
            clock=container.clock,
        )
        wanted = NewService(
            application="door", name="front", type=ServiceType.RECOGNITION, model=MODEL
        )
        self.service, key = create_service(wanted, uow=container.uow, clock=container.clock)
        self.home = f"/v1/collections/{self.service.collection_id}"
        client = world.client()
        self._open = client.open
        self.v1 = partial(self._call, str(credential))
        self.compat = partial(self._call, str(key))

    def _call(self, key, method, path, **options):
        return self._open(path, method=method, headers={"x-api-key": key}, **options)

    def raw(self, *, key=None, **parameters):
        """Submit an enrolment with the photograph as the body, under a key if there is one."""
        once = {} if key is None else {"environ_base": {"HTTP_IDEMPOTENCY_KEY": key}}
        return self.v1("POST", f"{self.home}/faces", query_string=parameters, **PHOTO, **once)

    def form(self, *, photographs=1, **parameters):
        """Submit an enrolment as a form."""
        files = [(BytesIO(PHOTO["data"]), "a.jpg") for _ in range(photographs)]
        return self.v1("POST", f"{self.home}/faces", data={"image": files, **parameters})

    def json(self, *, photographs=1, **parameters):
        """Submit an enrolment as JSON."""
        images = [b64encode(PHOTO["data"]).decode()] * photographs
        return self.v1("POST", f"{self.home}/faces", json={"images": images, **parameters})

    def example(self, subject, path="/api/v1/recognition/faces"):
        """Enrol as a client of CompreFace does; its answer does not wait for the worker."""
        photograph = {"file": (BytesIO(PHOTO["data"]), "a.jpg")}
        return self.compat("POST", path, query_string={"subject": subject}, data=photograph)

    def agree(self, subject, **terms):
        """Record a consent of a subject, which is made if need be; return its path."""
        self.v1("POST", f"{self.home}/subjects", json={"name": subject})
        path = f"{self.home}/subjects/{subject}/consents"
        answer = self.v1("POST", path, json={"purpose": "door", "text_version": "1", **terms})
        assert answer.status_code == 201, answer.text
        return f"{path}/{answer.json['id']}"

    def withdraw(self, consent):
        answer = self.v1("POST", f"{consent}/withdraw")
        assert answer.status_code == 200, answer.text
        return answer

    def hold(self):
        """Place a legal hold where ``hold_path`` says."""
        answer = self.v1("PUT", self.hold_path, json={"reference": "case-1"})
        assert answer.status_code == 201, answer.text

    def claim(self):
        """Take the tenant's queued jobs as workers would."""
        with self.owner.uow() as work:
            queued = work._session.scalars(
                text("SELECT id FROM jobs WHERE state = 'queued' AND tenant_id = :tenant"),
                {"tenant": self.tenant.id},
            ).all()
            claims = [
                claim
                for job_id in queued
                if (
                    claim := work.jobs.claim_named(
                        job_id, worker="test", lease=timedelta(minutes=1)
                    )
                )
            ]
            work.commit()
        return claims

    def finish(self, claim, images, *, before_commit=lambda: None):
        """End a claimed enrolment as a worker would."""
        analyses = [image_analysis(analysed_face()) for _ in images]

        def conclude(work):
            outcome = enrolled(work, claim, claim.parameters, analyses, self.owner.clock)
            before_commit()
            return outcome

        self.owner.desk.complete(claim, conclude)

    def work(self):
        """Do everything that is queued."""
        for claim, images in self.claim():
            self.finish(claim, images)

    def sweep(self):
        sweep(replace(self.owner.desk, rules=_RULES), self.owner.receipts)

    def ask(self, query):
        """Return one value from the rows of the collection, past everything that guards them."""
        with self.owner.uow() as work:
            return work._session.scalar(text(query), {"home": self.service.collection_id})
