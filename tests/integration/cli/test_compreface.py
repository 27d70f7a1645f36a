from __future__ import annotations

from subprocess import CalledProcessError
from uuid import UUID, uuid4

import pytest

from app.compat.compreface.usecases.applications import find_service
from app.compat.compreface.usecases.examples import collection_id_of, subject_names
from app.domain.compreface import ServiceType
from app.domain.errors import NotFoundError
from app.storage.unit_of_work import SqlUnitOfWork


@pytest.fixture
def find(uow):
    """Return the recognition service that a key opens."""
    return lambda key: find_service(UUID(key), ServiceType.RECOGNITION, uow=uow)


@pytest.fixture
def key(run):
    """The key of a new recognition service called door."""
    words = ("--app", f"home {uuid4()}", "--name", "door", "--type", "recognition")
    return run("service", "create", *words).strip()


def test_a_renamed_service_keeps_its_key(run, find, key):
    run("service", "rename", str(find(key).id), "gate")
    assert find(key).name == "gate"
    [line] = [one for one in run("service", "list").splitlines() if str(find(key).id) in one]
    assert line.endswith("  gate")


def test_a_new_key_takes_the_place_of_the_old_one(run, find, key):
    service = find(key)
    new = run("service", "rotate-key", str(service.id)).strip()
    assert find(new).id == service.id
    with pytest.raises(NotFoundError):
        find(key)


def test_a_clone_has_the_same_people_behind_another_key(run, find, key, uow):
    service = find(key)
    with uow() as work:
        work.subjects.ensure(collection_id_of(service), "Ann")
        work.commit()
    copy = find(run("service", "clone", str(service.id), "copy").strip())
    assert (copy.name, copy.application_id) == ("copy", service.application_id)
    assert copy.collection_id != service.collection_id
    assert list(subject_names(copy, uow=uow)) == ["Ann"]
    assert find(key).id == service.id


def test_a_clone_stays_in_the_tenant_of_its_service(run, find, engine):
    tenant_id = UUID(run("tenants", "create", f"acme {uuid4()}").strip())
    name = run("tenants", "list").split(f"{tenant_id}  ")[1].splitlines()[0]
    words = ("--app", "home", "--name", "door", "--type", "recognition", "--tenant", name)
    service = find(run("service", "create", *words).strip())
    copy = find(run("service", "clone", str(service.id), "copy").strip())
    with SqlUnitOfWork(engine, tenant_id) as work:
        assert work.services.get(copy.id) is not None
        assert work.collections.get(copy.collection_id) is not None


def test_a_deleted_service_is_gone_with_its_key_and_its_people(run, find, key, uow):
    service = find(key)
    run("service", "delete", str(service.id))
    with pytest.raises(NotFoundError):
        find(key)
    assert str(service.id) not in run("service", "list")
    with uow() as work:
        assert work.collections.get(service.collection_id) is None


@pytest.mark.parametrize(
    "words", [("rename", "gate"), ("rotate-key",), ("clone", "b"), ("delete",)]
)
def test_nothing_is_done_to_a_service_that_does_not_exist(run, words):
    command, *rest = words
    with pytest.raises(CalledProcessError) as refused:
        run("service", command, str(uuid4()), *rest)
    assert "This service does not exist." in refused.value.stderr
