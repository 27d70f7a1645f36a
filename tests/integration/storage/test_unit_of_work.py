from __future__ import annotations

import secrets

import pytest
from sqlalchemy import func, insert, text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import (
    DatabaseBusyError,
    InsufficientStorageError,
    InvalidRequestError,
    NotFoundError,
    ServiceUnavailableError,
)
from app.domain.identity import new_id
from app.storage.tables import SubjectRow


def _end_other_connections(engine):
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def test_a_lost_database_is_told_as_unavailable_with_a_time_to_come_back(uow, engine):
    with pytest.raises(ServiceUnavailableError) as caught, uow() as work:
        work.jobs.get(new_id())
        _end_other_connections(engine)
        work.jobs.get(new_id())
    assert caught.value.retry_after_s > 0


def test_what_was_read_before_the_database_was_lost_still_counts(uow, engine):
    with uow() as work:
        found = work.jobs.get(new_id())
        _end_other_connections(engine)
    assert found is None


def test_an_error_of_ours_stays_itself_when_the_database_is_lost_too(uow, engine):
    with pytest.raises(NotFoundError), uow() as work:
        work.jobs.get(new_id())
        _end_other_connections(engine)
        raise NotFoundError


def test_the_pool_heals_after_a_loss(uow, engine):
    with uow() as work:
        work.jobs.get(new_id())
    _end_other_connections(engine)
    with uow() as work:
        assert work.jobs.get(new_id()) is None


def test_what_was_not_committed_is_not_there(uow, collection):
    with uow() as work:
        work.subjects.ensure(collection.id, "Ann")
    with uow() as work:
        assert work.subjects.find(collection.id, "Ann") is None


def test_a_database_that_only_reads_is_told_as_unavailable(uow, collection):
    with pytest.raises(ServiceUnavailableError, match="is read-only"), uow() as work:
        work.collections._session.execute(text("SET TRANSACTION READ ONLY"))
        work.subjects.ensure(collection.id, "Ann")


def _raise(state):
    return text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")


def test_a_full_disk_is_told_as_insufficient_storage(uow):
    with pytest.raises(InsufficientStorageError) as caught, uow() as work:
        work.jobs._session.execute(_raise("53100"))
    assert (caught.value.status, caught.value.retry_after_s) == (507, 30)


@pytest.mark.parametrize("state", ["53200", "53400"])
def test_memory_and_limits_that_are_used_up_are_no_full_disk(uow, state):
    with pytest.raises(ServiceUnavailableError) as caught, uow() as work:
        work.jobs._session.execute(_raise(state))
    assert caught.value.status == 503


@pytest.mark.parametrize(
    "state",
    ["08000", "08006", "53000", "53300", "55006", "57P01", "57P02", "57P03", "57P05", "58030"],
)
def test_an_outage_is_told_by_its_class(uow, state):
    with pytest.raises(ServiceUnavailableError) as caught, uow() as work:
        work.jobs._session.execute(_raise(state))
    assert type(caught.value) is ServiceUnavailableError


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57014"])
def test_a_database_that_works_and_takes_too_long_is_busy(uow, state):
    with pytest.raises(DatabaseBusyError) as caught, uow() as work:
        work.jobs._session.execute(_raise(state))
    assert (caught.value.slug, caught.value.status) == ("service-unavailable", 503)


def test_a_statement_that_takes_too_long_is_no_outage(uow):
    with pytest.raises(DatabaseBusyError), uow() as work:
        work.jobs._session.execute(text("SET LOCAL statement_timeout = 10"))
        work.jobs._session.execute(text("SELECT pg_sleep(5)"))


@pytest.mark.parametrize("state", ["54000", "54001", "22001", "22003", "22008", "22021"])
def test_data_that_cannot_be_stored_is_no_outage(uow, state):
    with pytest.raises(InvalidRequestError), uow() as work:
        work.jobs._session.execute(_raise(state))


@pytest.mark.parametrize("name", ["x\0", secrets.token_hex(9000)])
def test_a_value_that_the_driver_or_an_index_refuses_is_no_outage(uow, collection, name):
    with pytest.raises(InvalidRequestError), uow() as work:
        work.subjects._session.execute(
            insert(SubjectRow).values(
                id=new_id(), collection_id=collection.id, name=name, created_at=func.now()
            )
        )


@pytest.mark.parametrize("state", ["42601", "22000", "XX000", "23514"])
def test_what_may_be_a_fault_of_the_service_stays_what_it_is(uow, state):
    with pytest.raises(DBAPIError), uow() as work:
        work.jobs._session.execute(_raise(state))
