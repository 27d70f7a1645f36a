"""The tenant of a transaction: set in Postgres for its policies, and asked for in our queries.

Both walls stand by themselves: the policies hold where a query forgets to ask, and the queries ask
where the connection's role sees every tenant.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, true
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Connection, Engine

    from app.domain.audit import Actor
    from app.storage.tables import TenantOwned

_TENANT = "tenant"


class DatabaseRole(StrEnum):
    """The roles that the migrations make; neither owns a table or may change one's policies."""

    #: Sees the rows of the transaction's tenant; without a tenant none.
    WEB = "vultus_web"
    #: Sees the rows of every tenant.
    WORKER = "vultus_worker"


class TenantSession(Session):
    """A session each of whose transactions acts for one tenant, or for all where it is ``None``.

    The ``actor`` is whom its audit records name.
    """

    def __init__(self, engine: Engine, tenant_id: UUID | None, actor: Actor) -> None:
        super().__init__(engine, expire_on_commit=False, autoflush=False, info={_TENANT: tenant_id})
        self.actor = actor

    @property
    def tenant_id(self) -> UUID | None:
        """The tenant that it acts for."""
        tenant_id: UUID | None = self.info[_TENANT]
        return tenant_id

    def owned(self, row: type[TenantOwned]) -> ColumnElement[bool]:
        """Hold for the rows of the tenant."""
        return true() if self.tenant_id is None else row.tenant_id == self.tenant_id

    def owns(self, row: Any) -> bool:  # noqa: ANN401 - whatever has a tenant_id, or None
        """Tell whether a row that was read is the tenant's; ``False`` where there is no row."""
        return row is not None and self.tenant_id in {None, row.tenant_id}


@event.listens_for(TenantSession, "after_begin")
def _enter(session: TenantSession, _: object, connection: Connection) -> None:
    """Begin the transaction and name its tenant in one message instead of two.

    The tenant ends with the transaction, so the next user of the connection does not inherit it.
    Where the message fails the driver notices at the next statement, which it sends with a BEGIN of
    its own: without a tenant the policies then show nothing.
    """
    if session.tenant_id is not None:
        driver = connection.connection.driver_connection
        command = f"BEGIN; SET LOCAL vultus.tenant = '{session.tenant_id}'"
        driver.pgconn.exec_(command.encode())  # type: ignore[union-attr]
