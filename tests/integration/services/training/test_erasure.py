"""Nothing that was learnt from a person outlives their faces."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.domain.identity import new_id
from tests.analyses import MODEL, image_of


def _versions(uow, collection):
    with uow() as work:
        return [one.version for one in work.trainings.page(collection.id, limit=20)]


def test_deleting_a_person_deletes_every_training_that_knows_them(
    train, crowd, uow, collection, store_faces, photographs, recognise
):
    train()
    store_faces("person 6", photographs(6, 4))
    train()
    with uow() as work:
        person = work.subjects.find(collection.id, "person 6")
        work.erasures.people(collection.id, subject_ids=[person.id])
        work.commit()
    assert _versions(uow, collection) == [1]
    with uow() as work:
        person = work.subjects.find(collection.id, "person 0")
        work.erasures.people(collection.id, subject_ids=[person.id])
        work.commit()
    assert _versions(uow, collection) == []
    answer = recognise(image_of(photographs(1)[0])).result
    assert (answer.matcher, answer.training_id) == ("prototype", None)
    assert answer.images[0].faces[0].candidates[0].subject == "person 1"


def test_deleting_the_last_face_of_a_person_does_it_too(train, crowd, uow, collection):
    train()
    first, *others = crowd[0]
    with uow() as work:
        for face_id in others:
            work.erasures.people(collection.id, face_ids=[face_id])
        work.commit()
    assert _versions(uow, collection) == [1]
    with uow() as work:
        work.erasures.people(collection.id, face_ids=[first])
        work.commit()
    assert _versions(uow, collection) == []


def test_faces_past_their_time_do_it_too(
    train, crowd, uow, collection, clock, run_sweep, store_faces, photographs
):
    store_faces("guest", photographs(7, 4), expires_at=clock.now() + timedelta(days=1))
    train()
    run_sweep()
    assert _versions(uow, collection) == [1]
    clock.moment += timedelta(days=2)
    run_sweep()
    assert _versions(uow, collection) == []


def test_trainings_of_other_collections_stay(train, crowd, uow, collection):
    train()
    other = replace(collection, id=new_id(), name="others")
    with uow() as work:
        [training] = work.trainings.page(collection.id, limit=1)
        work.collections.add(other)
        work.trainings.add(
            replace(training, id=new_id(), collection_id=other.id, subject_ids=(new_id(),))
        )
        person = work.subjects.find(collection.id, "person 0")
        work.erasures.people(collection.id, subject_ids=[person.id])
        work.commit()
    assert (_versions(uow, collection), _versions(uow, other)) == ([], [1])


def test_a_deleted_collection_leaves_no_training(train, crowd, uow, collection):
    train()
    with uow() as work:
        work.erasures.collection(collection.id)
        work.commit()
    assert _versions(uow, collection) == []
    with uow() as work:
        assert work.trainings.active_id(collection.id, MODEL) is None
