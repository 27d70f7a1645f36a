"""A collection changes its model, step by step as a worker does it, on made-up vectors."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from factories import caller
from sqlalchemy import text

from app.domain.backlog import Lane
from app.domain.errors import ConflictError, FacesLeftBehindError, ModelChangedError
from app.domain.identity import new_id
from app.domain.job import JobState, JobType
from app.domain.reembedding import LeftBehind, ReembeddingState
from app.domain.training import Training
from app.services.models.change import NewModel, Reembeddings
from app.services.models.change_steps import ChangeSteps
from app.storage.search import face_search
from tests.analyses import MODEL, analysed, embedding, image_of, unit_vectors
from tests.made_results import FIGURES

NEW = "facenet-casia-512"
PEOPLE = 12
#: Orthogonal columns: within either model two faces are as like as within the other.
_TO_NEW = np.linalg.qr(np.random.default_rng(9).standard_normal((512, 128)))[0]


def by_new(vector):
    """The same face by the other model."""
    return _TO_NEW @ np.asarray(vector)


@pytest.fixture
def changes(collection, desk):
    return Reembeddings(collection=str(collection.id), caller=caller(), desk=desk)


@pytest.fixture
def vectors():
    return unit_vectors(PEOPLE)


@pytest.fixture
def store_face(uow, collection, submitted):
    """Store a face as an enrolment does; without a photograph where that is said."""

    def store(name, vector, *, photograph=True, second=None):
        job = submitted(JobType.ENROLMENT)
        with uow() as work:
            [image_id] = work.jobs.image_ids(job.id)
            subject = work.subjects.ensure(collection.id, name)
            face_id = work.faces.add(
                collection_id=collection.id,
                subject_id=subject.id,
                job_id=job.id,
                image_number=0,
                image_id=image_id if photograph else None,
                face=replace(analysed(vector), second=second),
                expires_at=None,
            )
            work.commit()
        return face_id

    return store


@pytest.fixture
def people(store_face, vectors):
    """A face for each person; returns the vectors by the ids."""
    return {store_face(f"person {n}", vector): vector for n, vector in enumerate(vectors)}


class ModelsOfPeople:
    """Embeds everybody whose vector is known and whose photograph was kept."""

    def __init__(self, known):
        self._known = known

    def load(self, model):
        assert model == NEW

    def embed(self, faces, model):
        return {
            face.id: embedding(by_new(self._known[face.id]), model) if face.image else None
            for face in faces
        }

    def figures(self, model, faces, vectors, *, target_fpir):
        return replace(FIGURES, model=model)


@pytest.fixture
def steps(desk, receipts):
    """The steps of a claimed job, as a worker does them."""

    def of(claim, known, *, limit=5):
        return ChangeSteps(
            claim=claim,
            desk=desk,
            models=ModelsOfPeople(known),
            receipts=receipts,
            complete=lambda conclude: desk.complete(claim, conclude),
            embedded_at_once=limit,
            settled_at_once=limit,
        )

    return of


@pytest.fixture
def step(uow, desk, steps):
    """Claim a change's job and do one step; tell whether it goes on."""

    def run(found, known, **limit):
        with uow() as work:
            job_id = work.reembeddings.get(found.change.id).job_id
        claim = desk.claim_named(job_id, worker="test", lease=timedelta(seconds=30))
        return claim is not None and steps(claim, known, **limit).next()

    return run


@pytest.fixture
def work_off(step):
    def run(found, known):
        while step(found, known):
            pass

    return run


@pytest.fixture
def ready(changes, people, work_off):
    """A change that waits for the switch."""
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    work_off(found, people)
    return changes.get(found.change.id).change


@pytest.fixture
def nearest(uow, collection):
    """Search by the collection's own model, whichever that is; return the face and its cosine."""

    def search(vector):
        with uow() as work:
            home = work.collections.get(collection.id)
            own = vector if home.model == MODEL else by_new(vector)
            [best] = work.faces.nearest_faces(embedding(own, home.model), home.id, limit=1)
            shares = work.subjects.nearest(
                embedding(own, home.model), home.id, background=0, limit=1
            )
        assert [one.face_id for one in shares] == [best.face_id]
        return home.model, best.face_id, round(best.similarity, 3)

    return search


def test_searches_go_on_by_the_old_model_while_faces_get_a_second_vector(
    changes, people, step, nearest
):
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    while step(found, people):
        assert {nearest(vector) for vector in people.values()} == {
            (MODEL, face_id, 1.0) for face_id in people
        }
    shown = changes.get(found.change.id)
    assert shown.change.state is ReembeddingState.READY
    assert (shown.job.state, shown.job.progress.done) == (JobState.SUCCEEDED, PEOPLE)
    assert shown.change.report.embedded == PEOPLE


def test_the_switch_is_one_step_and_so_is_the_way_back(changes, ready, people, nearest):
    for _ in range(2):
        changes.activate(ready.id, drop_faces_without_photograph=False)
        assert {nearest(vector) for vector in people.values()} == {
            (NEW, face_id, 1.0) for face_id in people
        }
        changes.roll_back(ready.id)
        assert {nearest(vector) for vector in people.values()} == {
            (MODEL, face_id, 1.0) for face_id in people
        }


@pytest.mark.parametrize("activated", [True, False])
def test_afterwards_there_are_vectors_of_one_model_alone(
    changes, ready, people, work_off, nearest, uow, collection, activated
):
    if activated:
        changes.activate(ready.id, drop_faces_without_photograph=False)
        changes.finish(ready.id)
    else:
        changes.cancel(ready.id)
    work_off(changes.get(ready.id), people)
    model = NEW if activated else MODEL
    assert {nearest(vector) for vector in people.values()} == {
        (model, face_id, 1.0) for face_id in people
    }
    state = changes.get(ready.id).change.state
    assert state is (ReembeddingState.FINISHED if activated else ReembeddingState.CANCELLED)
    with uow() as work:
        home = work.collections.get(collection.id)
        assert (home.model, home.second_model) == (model, None)
        assert work.reembeddings.is_settled(home.id, model)
    with pytest.raises(ConflictError):
        changes.roll_back(ready.id)
    other = {MODEL, NEW} - {model}
    assert changes.start(NewModel(model=other.pop()), models=[MODEL, NEW]).change.state is (
        ReembeddingState.EMBEDDING
    )


def test_a_face_enrolled_meanwhile_is_found_by_both_models(
    changes, people, step, work_off, enrol, nearest
):
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    step(found, people)
    newcomer = unit_vectors(PEOPLE + 1)[-1]
    with pytest.raises(ModelChangedError):  # its job was begun before
        enrol("late", newcomer)
    image = image_of(newcomer)
    second = embedding(by_new(newcomer), NEW)
    both = replace(image, faces=(replace(image.faces[0], second=second),))
    face_id = enrol("late", images=[both]).result.face_ids[0]
    work_off(found, people)
    assert nearest(newcomer) == (MODEL, face_id, 1.0)
    changes.activate(found.change.id, drop_faces_without_photograph=False)
    assert nearest(newcomer) == (NEW, face_id, 1.0)
    # By now the other one comes first.
    image = image_of(vectors_of := unit_vectors(PEOPLE + 2)[-1])
    second = embedding(by_new(vectors_of), NEW)
    both = replace(image, faces=(replace(image.faces[0], second=second),))
    face_id = enrol("latest", images=[both]).result.face_ids[0]
    assert nearest(vectors_of) == (NEW, face_id, 1.0)
    changes.roll_back(found.change.id)
    assert nearest(vectors_of) == (MODEL, face_id, 1.0)


def test_who_is_deleted_meanwhile_is_gone_from_both_models(
    changes, people, step, work_off, uow, collection, nearest
):
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    step(found, people)
    gone, *left = people
    with uow() as work:
        work.erasures.people(collection.id, subject_ids=[work.faces.get(gone).subject_id])
        work.commit()
    work_off(found, people)
    for _ in range(2):
        assert {nearest(people[one])[1] for one in left} == set(left)
        assert nearest(people[gone])[1] != gone
        changes.activate(found.change.id, drop_faces_without_photograph=False)


def test_faces_without_a_photograph_stop_the_switch_and_are_named(
    changes, people, store_face, work_off, vectors, uow, nearest
):
    bare = store_face("bare", unit_vectors(PEOPLE + 1)[-1], photograph=False)
    found = changes.start(NewModel(model=NEW, activate=True), models=[MODEL, NEW])
    work_off(found, people)
    change = changes.get(found.change.id).change
    assert change.state is ReembeddingState.READY
    assert change.report.left_behind == LeftBehind(count=1, face_ids=(bare,))
    with pytest.raises(FacesLeftBehindError, match=str(bare)):
        changes.activate(change.id, drop_faces_without_photograph=False)
    changes.activate(change.id, drop_faces_without_photograph=True)
    assert nearest(vectors[0])[0] == NEW
    changes.roll_back(change.id)  # nothing was deleted so far
    assert nearest(unit_vectors(PEOPLE + 1)[-1]) == (MODEL, bare, 1.0)
    changes.activate(change.id, drop_faces_without_photograph=False)
    work_off(changes.finish(change.id), people)
    with uow() as work:
        assert work.faces.get(bare) is None
        assert len(
            work.faces.page(change.collection_id, subject_id=None, after=None, limit=99)
        ) == (PEOPLE)


def test_a_pause_holds_until_it_ends(changes, people, step, work_off):
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    step(found, people)
    changes.pause(found.change.id)
    assert not step(found, people)  # its message was on the way
    done = changes.get(found.change.id).job.progress.done
    assert not step(found, people)
    assert changes.get(found.change.id).job.progress.done == done == 5
    changes.resume(found.change.id)
    work_off(found, people)
    assert changes.get(found.change.id).change.state is ReembeddingState.READY


def test_what_a_lost_worker_had_not_stored_is_done_again_and_nothing_else(
    changes, people, step, steps, work_off, uow
):
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    step(found, people)
    with uow() as work:
        lost, _ = work.jobs.claim_named(found.job.id, worker="lost", lease=timedelta(seconds=-1))
        work.late_jobs.expire_leases(
            publish_at=found.job.created_at, max_losses=3, max_attempts=5, limit=9
        )
        work.commit()
    step(found, people)
    with uow() as work:
        late = [one for one in people if one not in _double(work, found.change.collection_id)]
    assert len(late) == PEOPLE - 6  # after a loss they are done one by one
    # The lost one comes back: its claim is void.
    assert not steps(lost, people).store(dict.fromkeys(late))
    work_off(found, people)
    assert changes.get(found.change.id).change.report.embedded == PEOPLE


def test_a_change_takes_no_room_and_no_turn_from_jobs_that_wait(changes, people, submitted, uow):
    with uow() as work:
        before = [work.backlog.in_all(Lane.BULK), work.backlog.of_tenant(Lane.BULK)]
    change = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    assert change.job.progress.total == len(people)
    with uow() as work:
        assert [work.backlog.in_all(Lane.BULK), work.backlog.of_tenant(Lane.BULK)] == before
    job = submitted(JobType.DETECTION)
    claimed = set()
    while True:
        with uow() as work:
            claims = work.jobs.claim(None, worker="test", lease=timedelta(minutes=1), companions=7)
            work.commit()
        if not claims:
            break
        claimed |= {one.id for one, _ in claims}
    assert job.id in claimed
    assert change.job.id not in claimed


def test_a_paused_change_has_not_waited_too_long(changes, people, step, uow, clock):
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    step(found, people)
    changes.pause(found.change.id)
    with uow() as work:
        late = work.late_jobs.outwaited(before=clock.now() + timedelta(days=30), limit=99)
    assert found.job.id not in {job.id for job in late}


def _double(work, collection_id):
    left = work.reembeddings.left_behind(collection_id, NEW, limit=99)
    faces = work.faces.page(collection_id, subject_id=None, after=None, limit=99)
    return {face.id for face in faces} - set(left)


def test_thresholds_readings_and_trainings_go_with_their_model(
    changes, people, work_off, uow, collection, clock
):
    def trained(model, version):
        with uow() as work:
            subject_ids = tuple(one for one, _ in work.subjects.prototypes(collection.id, model))
            work.trainings.add(
                Training(
                    id=new_id(),
                    collection_id=collection.id,
                    model=model,
                    version=version,
                    subject_ids=subject_ids,
                    face_count=PEOPLE,
                    created_at=clock.now(),
                )
            )
            work.commit()

    def basis():
        with uow() as work:
            found = work.searches.basis(collection.id)
            versions = {one.id: one.version for one in work.trainings.page(collection.id, limit=9)}
        home = found.collection
        return home.similarity_threshold, versions.get(found.training_id), found.enrolled

    with uow() as work:
        work.collections.update(replace(collection, similarity_threshold=0.61))
        work.commit()
    trained(MODEL, 1)
    wish = NewModel(model=NEW, similarity_threshold=0.7)
    found = changes.start(wish, models=[MODEL, NEW])
    work_off(found, people)
    assert basis() == (0.61, 1, PEOPLE)
    changes.activate(found.change.id, drop_faces_without_photograph=False)
    assert basis() == (0.7, None, PEOPLE)
    trained(NEW, 2)
    assert basis() == (0.7, 2, PEOPLE)
    changes.roll_back(found.change.id)
    assert basis() == (0.61, 1, PEOPLE)
    changes.activate(found.change.id, drop_faces_without_photograph=False)
    work_off(changes.finish(found.change.id), people)
    assert basis() == (0.7, 2, PEOPLE)
    with uow() as work:
        assert {one.model for one in work.trainings.page(collection.id, limit=9)} == {NEW}


def test_a_search_that_was_begun_by_the_model_before_is_sent_back(
    changes, ready, people, uow, collection
):
    changes.activate(ready.id, drop_faces_without_photograph=False)
    probe = embedding(next(iter(people.values())))
    with uow() as work, pytest.raises(ModelChangedError):
        work.subjects.nearest(probe, collection.id, background=0, limit=1)
    with uow() as work, pytest.raises(ModelChangedError):
        work.subjects.prototypes(collection.id, MODEL)


def test_a_large_collection_is_searched_exactly_while_its_vectors_are_in_two_places(
    changes, ready, people, nearest, monkeypatch, work_off, step
):
    monkeypatch.setattr(face_search, "EXACT_LIMIT", 2)
    expected = {(NEW, face_id, 1.0) for face_id in people}
    changes.activate(ready.id, drop_faces_without_photograph=False)
    assert {nearest(vector) for vector in people.values()} == expected
    settling = changes.finish(ready.id)
    while step(settling, people, limit=2):
        assert {nearest(vector) for vector in people.values()} == expected
    assert {nearest(vector) for vector in people.values()} == expected


def test_settings_changed_at_the_time_of_the_switch_undo_no_part_of_it(
    changes, ready, uow, collection, clock
):
    """Whoever changes settings writes all of them, and may have read before the switch."""
    from app.services.people.collections import update_collection  # noqa: PLC0415

    changes.activate(ready.id, drop_faces_without_photograph=False)
    update_collection("people", {"retention_days": 9}, caller=changes.caller, uow=uow, clock=clock)
    with uow() as work:
        home = work.collections.get(collection.id)
    assert (home.model, home.second_model, home.retention_days) == (NEW, MODEL, 9)


def test_a_face_that_cannot_be_read_is_left_behind_and_keeps_no_other(
    changes, people, step, engine, uow, collection
):
    bad, broken, *_ = people
    with engine.begin() as connection:
        connection.execute(text("UPDATE faces SET landmarks = '{1}' WHERE id = :id"), {"id": bad})
        photograph = "SELECT image_id FROM faces WHERE id = :id"
        connection.execute(
            text(f"UPDATE image_keys SET key = :key WHERE image_id = ({photograph})"),
            {"key": bytes(32), "id": broken},
        )
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    while step(found, people):
        pass
    with uow() as work:
        left = work.reembeddings.left_behind(collection.id, NEW, limit=PEOPLE)
    assert sorted(left) == sorted([bad, broken])


def test_a_face_that_cannot_be_embedded_is_set_aside_and_keeps_no_other(
    changes, people, steps, desk, uow, collection, monkeypatch
):
    bad = sorted(people)[2]
    embed = ModelsOfPeople.embed

    def fail_for_one(self, faces, model):
        if any(face.id == bad for face in faces):
            raise ZeroDivisionError
        return embed(self, faces, model)

    monkeypatch.setattr(ModelsOfPeople, "embed", fail_for_one)
    found = changes.start(NewModel(model=NEW), models=[MODEL, NEW])
    goes_on, faults = True, 0
    while goes_on:
        with uow() as work:
            job_id = work.reembeddings.get(found.change.id).job_id
        claim = desk.claim_named(job_id, worker="test", lease=timedelta(seconds=30))
        try:
            goes_on = steps(claim, people).next()
        except ZeroDivisionError as fault:  # as the worker does
            faults += 1
            desk.retry(claim, fault=fault)
    with uow() as work:
        assert work.reembeddings.left_behind(collection.id, NEW, limit=PEOPLE) == [bad]
        assert work.setbacks.counts() == {"reembedding": 1}
    assert 1 <= faults < 5  # each leaves one face fewer before it
