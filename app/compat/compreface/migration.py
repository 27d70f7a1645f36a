"""Import the services, subjects and photographs of a CompreFace database.

Photographs are embedded again, by enrolment jobs; examples keep their ids. What is already here is
left alone, so the next run continues one that was interrupted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from app.compat.compreface.usecases.applications import NewService, create_service, find_service
from app.compat.compreface.usecases.examples import collection_id_of, stored_name
from app.domain.caller import Caller
from app.domain.compreface import ServiceType
from app.domain.errors import InvalidRequestError, NotFoundError
from app.domain.job import JobState
from app.domain.job_parameters import EnrolmentParameters
from app.domain.job_request import JobRequest
from app.domain.naming import spellings, subject_name
from app.domain.selection import FacePolicy
from app.services.jobs.admission import Admission
from app.services.people.subjects import ensure_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.bootstrap import Container
    from app.compat.compreface.source import Source, SourceExample, SourceService
    from app.domain.compreface import Service
    from app.services.jobs.desk import JobDesk

#: Public, as every installation of CompreFace has them.
DEMO_KEYS = {UUID(int=number) for number in (2, 3, 4)}

#: Jobs that wait at the same time: enough for the workers' batches, few enough for the database.
_AHEAD = 32
_PATIENCE_S = 600


@dataclass(slots=True)
class Report:
    """What a run has done, and what it could not import, with the reason."""

    services: int = 0
    enrolled: int = 0
    there_before: int = 0
    left_behind: list[tuple[str, str]] = field(default_factory=list)


def migrate(source: Source, container: Container, *, progress: Callable[[Report], None]) -> Report:
    """Import everything; call ``progress`` after every example."""
    report = Report()
    for wanted in source.services():
        if wanted.key in DEMO_KEYS:
            report.left_behind.append(
                (f"Service {wanted.name}", "Its key is public: every CompreFace has it.")
            )
            continue
        try:
            service = _ensure_service(wanted, container, report)
        except InvalidRequestError as error:
            report.left_behind.append((f"Service {wanted.name!r}", error.detail))
            continue
        if service.type is ServiceType.RECOGNITION:
            _carry_people(source, wanted.key, service, container, report, progress)
    return report


def _ensure_service(wanted: SourceService, container: Container, report: Report) -> Service:
    try:
        return find_service(wanted.key, wanted.type, uow=container.uow)
    except NotFoundError:
        service, _ = create_service(
            NewService(
                application=wanted.application,
                name=wanted.name,
                type=wanted.type,
                model=container.settings.model,
                key=wanted.key,
            ),
            uow=container.uow,
            clock=container.clock,
        )
    report.services += 1
    return service


def _carry_people(
    source: Source,
    key: UUID,
    service: Service,
    container: Container,
    report: Report,
    progress: Callable[[Report], None],
) -> None:
    names = _carry_names(source.subjects(key), service, container, report)
    missing: list[SourceExample] = []
    for example in source.examples(key):
        if example.subject not in names:
            report.left_behind.append((f"Example {example.id}", "Its subject was left behind."))
        elif not example.has_photograph:
            report.left_behind.append((f"Example {example.id}", "Its photograph was not kept."))
        elif _is_there(example.id, container):
            report.there_before += 1
        else:
            missing.append(example)
    # The command paces itself, so the bounds of what may wait are not for it.
    desk = replace(container.desk, admission=Admission.unbounded())
    waiting: deque[tuple[UUID, UUID]] = deque()
    for example, photograph in source.photographs(missing):
        named = replace(example, subject=names[example.subject])
        waiting.append((example.id, _submit(named, photograph, service, desk)))
        if len(waiting) >= _AHEAD:
            _settle(*waiting.popleft(), container, report)
            progress(report)
    while waiting:
        _settle(*waiting.popleft(), container, report)
        progress(report)


def _carry_names(
    wanted: Sequence[str], service: Service, container: Container, report: Report
) -> dict[str, str]:
    """Make the subjects; return the name that each of those carried over has here.

    Two people stay two: a name that would become another's is left behind, as is one that could
    not be told from a path.
    """
    names: dict[str, str] = {}
    # What keeps its name comes first.
    for name in sorted(wanted, key=lambda name: (spellings(name)[-1:] != (name,), name)):
        try:
            stored = stored_name(service, name, uow=container.uow) or subject_name(name)
        except ValueError as error:
            report.left_behind.append((f"Subject {name!r}", f"Its name cannot be used: {error}"))
            continue
        if stored in names.values():
            reason = f"Its name would become that of {stored!r}."
            report.left_behind.append((f"Subject {name!r}", reason))
            continue
        names[name] = stored
    with container.uow() as work:
        for stored in names.values():
            ensure_subject(work, collection_id_of(service), stored)
        work.commit()
    return names


def _is_there(face_id: UUID, container: Container) -> bool:
    with container.uow() as work:
        return work.faces.get(face_id) is not None


def _submit(example: SourceExample, photograph: bytes, service: Service, desk: JobDesk) -> UUID:
    """Submit the enrolment, once: the job of a run that was cut short is found again."""
    caller = Caller.of_command_line(service.tenant_id, on_behalf_of=service.id)
    request = JobRequest(
        parameters=EnrolmentParameters(
            subject=example.subject, face_policy=FacePolicy.LARGEST, face_id=example.id
        ),
        owner_id=caller.require_owner_id(),
        collection_id=service.collection_id,
        images=[photograph],
    )
    route = "compreface import"
    return desk.submit(request, route=route, idempotency_key=str(example.id)).job.id


def _settle(example_id: UUID, job_id: UUID, container: Container, report: Report) -> None:
    job = container.desk.wait(job_id, timeout_s=_PATIENCE_S)
    if job is not None and job.state is JobState.SUCCEEDED:
        report.enrolled += 1
        return
    if job is None or not job.state.is_terminal:
        reason = "Its job has not ended."
    else:
        reason = f"The job is {job.state}." if job.error is None else f"{job.error.title}."
    report.left_behind.append((f"Example {example_id}", reason))
