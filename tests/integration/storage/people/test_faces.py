from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from app.domain.identity import new_id
from app.storage.search import face_search
from tests.analyses import analysed, embedding, unit_vectors

MODEL = "facenet-msceleb-128"


def enrol(work, collection, name, vector, *, model=MODEL, image_id=None):
    subject = work.subjects.ensure(collection.id, name) if name else None
    return work.faces.add(
        collection_id=collection.id,
        subject_id=subject.id if subject else None,
        job_id=new_id(),
        image_number=0,
        image_id=image_id,
        face=analysed(vector, model),
        expires_at=None,
    )


@pytest.fixture(params=["exact", "indexed"])
def either_search(request, monkeypatch):
    """The search that compares every face, and the one that goes through the index."""
    if request.param == "indexed":
        monkeypatch.setattr(face_search, "EXACT_LIMIT", 0)
    return request.param


def test_a_face_reads_back_as_it_was_stored(uow, collection):
    [vector] = unit_vectors(1)
    with uow() as work:
        face_id = enrol(work, collection, "Ann", vector)
        stored = work.faces.get(face_id)
    assert stored.subject == "Ann"
    assert stored.detection == analysed(vector).detection


def test_subjects_are_ranked_each_by_its_nearest_face(uow, collection, either_search):
    a, b, c = unit_vectors(3)
    with uow() as work:
        enrol(work, collection, "Ann", a)
        near = enrol(work, collection, "Ann", a + 0.01 * b)
        enrol(work, collection, "Bob", b)
        enrol(work, collection, "Cid", c)
        enrol(work, collection, None, a)
        found = work.faces.nearest_subjects(
            embedding((a + 0.01 * b) / np.linalg.norm(a + 0.01 * b)), collection.id, limit=2
        )
    assert found[0].subject == "Ann"
    assert found[0].face_id == near
    assert found[0].similarity == pytest.approx(1, abs=1e-5)
    assert len({candidate.subject_id for candidate in found}) == 2


def test_a_subject_with_many_near_faces_does_not_crowd_out_the_others(
    uow, collection, either_search
):
    a, b = unit_vectors(2)
    with uow() as work:
        for noise in unit_vectors(60, seed=1):
            enrol(work, collection, "Ann", a + 0.05 * noise)
        enrol(work, collection, "Bob", b)
        found = work.faces.nearest_subjects(embedding(a), collection.id, limit=2)
    assert [candidate.subject for candidate in found] == ["Ann", "Bob"]


def test_vectors_of_another_model_are_not_searched(uow, collection, either_search):
    [vector] = unit_vectors(1)
    with uow() as work:
        enrol(work, collection, "Ann", vector, model="another-128")
        assert work.faces.nearest_subjects(embedding(vector), collection.id, limit=5) == []


def test_the_photograph_goes_with_the_last_face_that_shows_in_it(uow, collection, engine):
    a, b = unit_vectors(2)
    image = new_id()
    with uow() as work:
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO images (id, number, data) VALUES (:id, 0, 'x')"), {"id": image}
            )
        first = enrol(work, collection, "Ann", a, image_id=image)
        second = enrol(work, collection, "Bob", b, image_id=image)
        work.commit()
        work.erasures.people(collection.id, face_ids=[first])
        work.commit()
        assert work.faces.image(second) == b"x"
        work.erasures.collection(collection.id)
        work.commit()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM images")).scalar() == 0


@pytest.fixture
def crowded(uow, collection, engine):
    """A collection of most of the table's faces, and another of a few."""
    few = replace(collection, id=new_id(), name="few")
    vectors = unit_vectors(600)
    with uow() as work:
        work.collections.add(few)
        for number, vector in enumerate(vectors):
            enrol(work, few if number % 100 == 0 else collection, f"person {number}", vector)
        work.commit()
    with engine.begin() as connection:
        connection.execute(text("ANALYZE faces"))
    return few, embedding(vectors[0])


def plan(engine, query, *, without=()):
    """Return what Postgres would do for a search of ten faces."""
    statement = query.limit(10).compile(engine, compile_kwargs={"literal_binds": True})
    with engine.begin() as connection:
        for other_way in without:
            connection.exec_driver_sql(f"SET LOCAL enable_{other_way} = off")
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}").scalars())


def test_the_indexed_search_reads_the_index(collection, engine, crowded):
    """Another expression than the index's would read every face."""
    _, probe = crowded
    query = face_search.nearest_faces(probe, collection.id, indexed=True)
    assert "ix_faces_halves_128" in plan(engine, query, without=("seqscan", "bitmapscan", "sort"))


def test_the_exact_search_of_a_small_collection_reads_no_other_faces(engine, crowded):
    few, probe = crowded
    query = face_search.nearest_faces(probe, few.id, indexed=False)
    assert "ix_faces_collection_id" in plan(engine, query)


@pytest.mark.parametrize("renamed", range(6))
def test_equal_scores_keep_their_order_when_a_row_changes(uow, collection, either_search, renamed):
    """A change of a row moves it, and with it its place among equals that nothing else orders."""
    [vector] = unit_vectors(1)
    with uow() as work:
        for number in range(6):
            enrol(work, collection, f"Person {number}", vector)
        work.commit()
    probe = embedding(vector)

    def ranked():
        with uow() as work:
            shares = work.subjects.nearest(probe, collection.id, background=1e-9, limit=4)
            return (
                [
                    one.subject_id
                    for one in work.faces.nearest_subjects(probe, collection.id, limit=4)
                ],
                [one.face_id for one in work.faces.nearest_faces(probe, collection.id, limit=4)],
                [(one.subject_id, one.face_id) for one in shares],
            )

    before = ranked()
    with uow() as work:
        subject = work.subjects.find(collection.id, f"Person {renamed}")
        work.subjects.rename(subject.id, f"Renamed {renamed}")
        faces = work.faces.page(collection.id, subject_id=subject.id, after=None, limit=1)
        for face in faces:
            work.faces.relabel(face.id, subject_id=subject.id, rejected_subject_id=None)
        work.commit()
    assert ranked() == before
    subjects, faces, _ = before
    assert faces == sorted(faces)
    assert subjects == sorted(subjects)
