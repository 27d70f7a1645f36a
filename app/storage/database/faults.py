"""What an error of the database means, by its SQLSTATE: whose fault it is, and whether it passes.

The driver files much under one class that is no outage at all, such as a value that an index cannot
hold. Code that waits for an outage to end would wait for that too. See decision 25.
"""

from __future__ import annotations

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.domain.errors import (
    ConsentRequiredError,
    DatabaseBusyError,
    InsufficientStorageError,
    InvalidRequestError,
    LegalHoldError,
    ServiceUnavailableError,
    VultusError,
)

_RETRY_AFTER_S = 2

#: What the database refuses by itself, by the name of the constraint.
_REFUSALS: dict[str | None, type[VultusError]] = {
    "consent": ConsentRequiredError,
    "legal_hold": LegalHoldError,
    "fk_legal_holds_collection_id": LegalHoldError,
    "fk_legal_holds_subject_id": LegalHoldError,
}

#: disk_full. Its neighbours are about memory and about limits of one session: both pass by.
_NO_ROOM = "53100"
#: read_only_sql_transaction: a server that follows another, or whose host stopped writes.
_READ_ONLY = "25006"

#: The server is away or lacks something that everybody needs: connection exceptions, insufficient
#: resources, operator intervention that ends sessions, errors of the system around it.
_OUTAGES = ("08", "53", "57P", "58", "55006", "25P03")
#: The server works, and this had to give way: to others, or to the time that a statement has.
_BUSY = ("40", "55P03", "57014")
#: What was sent cannot be stored, however often it is tried: values out of their range, text that
#: is none, rows that an index cannot hold. Not all of class 22: two vectors of different lengths
#: mean that a collection has just changed its model.
_UNFIT = ("22001", "22003", "22007", "22008", "22021", "22P05", "54")


def explained(error: BaseException | None) -> VultusError | None:
    """Return the error of ours that an error of the driver means; ``None`` where it is no other's.

    ServiceUnavailableError: an outage. InsufficientStorageError: the disk is full.
    DatabaseBusyError: a time-out, a deadlock. InvalidRequestError: data that cannot be stored.
    ConsentRequiredError, LegalHoldError: a wall that the services had let through.
    """
    if isinstance(error, PoolTimeoutError):
        return _unavailable("cannot be reached")
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state is None and isinstance(error, DataError):
        return _unfit()
    if state is None:  # it comes from the driver, which has lost or never had a connection
        lost = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
        return _unavailable("cannot be reached") if lost else None
    return _by_state(state) or _refusal(error)


def _by_state(state: str) -> VultusError | None:
    if state == _NO_ROOM:
        return InsufficientStorageError()
    if state == _READ_ONLY:
        return _unavailable("is read-only for now")
    if state.startswith(_OUTAGES):
        return _unavailable("cannot be reached")
    if state.startswith(_BUSY):
        return DatabaseBusyError(retry_after_s=_RETRY_AFTER_S)
    if state.startswith(_UNFIT):
        return _unfit()
    return None


def _refusal(error: DBAPIError) -> VultusError | None:
    if not isinstance(error, IntegrityError):
        return None
    diagnosis = getattr(error.orig, "diag", None)
    refused = _REFUSALS.get(getattr(diagnosis, "constraint_name", None))
    return None if refused is None else refused()


def _unfit() -> InvalidRequestError:
    return InvalidRequestError("The database cannot store what was sent. Correct it.")


def _unavailable(state: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        f"The database {state}. Send the request again after a short while.",
        retry_after_s=_RETRY_AFTER_S,
    )
