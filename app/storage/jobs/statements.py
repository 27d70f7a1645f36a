"""The statements that every job passes through, built once: one round trip each."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid  # noqa: N811 - the name UUID is taken

from app.domain.backlog import Lane
from app.domain.job import JobState, JobType
from app.storage.access.audit import add_record
from app.storage.tables import CollectionRow, EndpointRow, ImageKeyRow, ImageRow, JobRow

#: The channel that announces the end of every job.
JOB_ENDED_CHANNEL = "vultus_job_ended"

_JOBS = cast("Table", JobRow.__table__)
_IMAGES = cast("Table", ImageRow.__table__)
_COLLECTIONS = cast("Table", CollectionRow.__table__)
_IMAGE_KEYS = cast("Table", ImageKeyRow.__table__)
_ENDPOINTS = cast("Table", EndpointRow.__table__)
JOB_COLUMNS = tuple(_JOBS.c)

_ON_IMAGES = and_(*(_JOBS.c.type != one for one in JobType if not one.is_on_images))


def _select_job() -> Any:  # noqa: ANN401 - SQLAlchemy's types of statements are long
    return select(*JOB_COLUMNS).where(_JOBS.c.id == bindparam("job_id"))


def _add_job() -> Any:  # noqa: ANN401
    """Insert a job, its images and its audit record; return its turn.

    Parameters: the columns, ``earliest``, ``behind``, ``image_ids``, ``image_data``, which is
    encrypted, ``image_keys``, and those of ``record_parameters``.
    """
    given = {name: bindparam(name, type_=_JOBS.c[name].type) for name in _GIVEN}
    others = (bindparam(name, type_=BigInteger()) for name in ("earliest", "behind"))
    fresh = {"done": 0, "attempt": 0, "losses": 0, "publishes": 1}
    job = (
        insert(_JOBS)
        .values(**given, **fresh, turn=func.next_turn(given["lane"], *others))
        .returning(_JOBS.c.turn)
        .cte("job")
    )
    images = (
        func.unnest(
            bindparam("image_ids", type_=ARRAY(PgUuid())),
            bindparam("image_data", type_=ARRAY(LargeBinary())),
            bindparam("image_keys", type_=ARRAY(LargeBinary())),
        )
        .table_valued("id", "data", "key", with_ordinality="place", name="image")
        .render_derived()
    )
    job_id = bindparam("id", type_=PgUuid())
    rows = select(images.c.id, job_id, images.c.place - 1, images.c.data, true())
    stored = (
        insert(_IMAGES)
        .from_select(["id", "job_id", "number", "data", "sealed"], rows)
        .cte("stored")
    )
    keys = select(images.c.id, images.c.key)
    locked = insert(_IMAGE_KEYS).from_select(["image_id", "key"], keys).cte("locked")
    return select(job.c.turn).add_cte(stored, locked, add_record().cte("record"))


_GIVEN = (
    "id",
    "type",
    "state",
    "owner_id",
    "collection_id",
    "lane",
    "parameters",
    "total",
    "publish_at",
    "created_at",
)


def _claim(taken: Any) -> Any:  # noqa: ANN401
    """Claim the jobs of a query of ids; parameters: ``worker``, ``lease``.

    The rows are the job's columns and its collection's models beside each of its images and its
    key. The commit need not reach the disk: a claim that a crash undoes leaves its job queued, and
    its result is fenced off.
    """
    claimed = (
        update(_JOBS)
        .where(_JOBS.c.id.in_(taken))
        .values(
            state=JobState.RUNNING,
            attempt=_JOBS.c.attempt + 1,
            claimed_by=bindparam("worker", type_=Text()),
            lease_until=func.now() + bindparam("lease", type_=Interval()),
            started_at=func.coalesce(_JOBS.c.started_at, func.now()),
        )
        .returning(*JOB_COLUMNS)
        .cte("claimed")
    )
    return (
        select(
            *claimed.c,
            _IMAGES.c.data.label("image"),
            _IMAGE_KEYS.c.key,
            _COLLECTIONS.c.model,
            _COLLECTIONS.c.second_model,
            func.set_config("synchronous_commit", "off", True),  # noqa: FBT003
        )
        .select_from(
            claimed.outerjoin(_IMAGES, _IMAGES.c.job_id == claimed.c.id)
            .outerjoin(_IMAGE_KEYS)
            .outerjoin(_COLLECTIONS, _COLLECTIONS.c.id == claimed.c.collection_id)
        )
        .order_by(claimed.c.id, _IMAGES.c.number)
    )


def expiry(latest: Any) -> Any:  # noqa: ANN401
    """Return when a job that ends now expires: at its collection's time, at the latest then."""
    own = (
        select(func.now() + func.make_interval(0, 0, 0, 0, _COLLECTIONS.c.job_retention_h))
        .where(_COLLECTIONS.c.id == _JOBS.c.collection_id)
        .scalar_subquery()
    )
    return func.least(latest, own)


def _named(*conditions: Any) -> Any:  # noqa: ANN401
    """Find a queued job by name; parameter: ``job_id``."""
    return (
        select(_JOBS.c.id)
        .where(
            _JOBS.c.id == bindparam("job_id", type_=PgUuid()),
            _JOBS.c.state == JobState.QUEUED,
            *conditions,
        )
        .with_for_update(skip_locked=True)
        .cte("named")
    )


def _claim_next(*lanes: Any) -> Any:  # noqa: ANN401
    """Claim the jobs whose turn it is; parameters: those of both above, ``companions``.

    ``lanes`` are conditions on the lane. A job that was tried before may have killed its process:
    it has no turn, and is claimed by name and without company.
    """
    again = _named(_JOBS.c.attempt > 0, _ON_IMAGES)
    fresh = and_(_JOBS.c.state == JobState.QUEUED, _JOBS.c.attempt == 0, _ON_IMAGES, *lanes)
    order = _JOBS.c.lane, _JOBS.c.turn, _JOBS.c.id
    sociable = or_(_JOBS.c.total == 1, _JOBS.c.lane == Lane.INTERACTIVE)
    head = (
        select(_JOBS.c.id, sociable.label("sociable"))
        .where(fresh, ~exists(select(again.c.id)))
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("head")
    )
    others = (
        select(_JOBS.c.id)
        .where(
            fresh,
            sociable,
            _JOBS.c.id != select(head.c.id).scalar_subquery(),
            exists(select(head.c.id).where(head.c.sociable)),
        )
        .order_by(*order)
        .limit(bindparam("companions", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("others")
    )
    return _claim(union_all(*(select(found.c.id) for found in (again, head, others))))


def _end_jobs() -> Any:  # noqa: ANN401
    """End claimed jobs; parameters: ``endings``, ``expires_at`` and ``keep_images``.

    ``endings`` is a list of ``{id, attempt, state, result, error}``. An ending whose claim is lost
    does nothing; the others come back with their times, and with whether their tenant has endpoints
    that may hear of them. The photographs of a recognition stay where its collection keeps probes.
    """
    ending = (
        func.json_to_recordset(bindparam("endings", type_=JSON()))
        .table_valued(
            column("id", PgUuid()),
            column("attempt", Integer()),
            column("state", Text()),
            column("result", JSON()),
            column("error", JSON()),
            name="ending",
        )
        .render_derived(with_types=True)
    )
    keeps_probes = (
        select(_COLLECTIONS.c.keep_probes)
        .where(_COLLECTIONS.c.id == _JOBS.c.collection_id)
        .scalar_subquery()
    )
    ended = (
        update(_JOBS)
        .where(
            and_(
                _JOBS.c.id == ending.c.id,
                _JOBS.c.attempt == ending.c.attempt,
                _JOBS.c.state == JobState.RUNNING,
            )
        )
        .values(
            state=ending.c.state,
            result=ending.c.result,
            error=ending.c.error,
            done=case((ending.c.state == JobState.SUCCEEDED, _JOBS.c.total), else_=_JOBS.c.done),
            finished_at=func.now(),
            expires_at=expiry(bindparam("expires_at", type_=DateTime(timezone=True))),
            lease_until=None,
            claimed_by=None,
        )
        .returning(
            _JOBS.c.id,
            _JOBS.c.tenant_id,
            _JOBS.c.finished_at,
            _JOBS.c.expires_at,
            and_(_JOBS.c.type == JobType.RECOGNITION, keeps_probes).label("keeps_probes"),
        )
        .cte("ended")
    )
    kept = _IMAGES.c.id == any_(bindparam("keep_images", type_=ARRAY(PgUuid())))
    spent = select(ended.c.id).where(~func.coalesce(ended.c.keeps_probes, False))
    dropped = delete(_IMAGES).where(_IMAGES.c.job_id.in_(spent), ~kept).cte("dropped")
    rung = func.pg_notify(literal(JOB_ENDED_CHANNEL), func.text(ended.c.id))
    heard = exists().where(_ENDPOINTS.c.tenant_id == ended.c.tenant_id, _ENDPOINTS.c.enabled)
    columns = ended.c.id, ended.c.finished_at, ended.c.expires_at, heard.label("heard"), rung
    return select(*columns).add_cte(dropped)


SELECT_JOB = _select_job()
ADD_JOB = _add_job()
CLAIM_NAMED = _claim(select(_named().c.id))
CLAIM_NEXT = _claim_next()
CLAIM_NEXT_BULK = _claim_next(_JOBS.c.lane == literal_column(str(int(Lane.BULK))))
END_JOBS = _end_jobs()
