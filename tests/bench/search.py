"""`python -m tests.bench.search`: the search for subjects among very many faces."""

from __future__ import annotations

import json
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.identity import new_id
from app.storage.database.engine import build_engine
from app.storage.unit_of_work import SqlUnitOfWork
from deploy.local.paths import PROJECT
from deploy.local.throwaway import throwaway_postgres
from tests.bench.figures import percentile
from tests.bench.machine import describe
from tests.bench.search_database import (
    FilledCollection,
    analyse,
    build_index,
    fill,
    index_mb,
    make_tables,
)
from tests.bench.search_identify import Identification, identify
from tests.bench.search_measure import Search, enrolling, measure
from tests.bench.search_vectors import populate
from tests.bench.tables import table
from workers.matching.cohort import cohort_path, read_cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODELS = {"128": "facenet-msceleb-128", "512": "facenet-vggface2-512"}
#: Whose strangers the made faces are like; 512 values have no cohort of their own.
_COHORT = _MODELS["128"]
_SEARCHERS = 2
_SHARES = {"0.1 %": 0.001, "1 %": 0.01, "10 %": 0.1}


@click.command()
@click.option("--faces", default=100_000, show_default=True, help="Faces in the database.")
@click.option("--dimension", type=click.Choice(list(_MODELS)), default="128", show_default=True)
@click.option("--probes", default=200, show_default=True, help="Searches of each kind, at most.")
@click.option("--seconds", default=10, show_default=True, help="Time for each kind of search.")
@click.option("--memory", default="1GB", show_default=True, help="maintenance_work_mem.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    default=PROJECT / "var" / "bench",
    help="The folder of the figures; the database in it is removed at the end.",
)
def main(faces: int, dimension: str, probes: int, seconds: int, memory: str, out: Path) -> None:
    """Measure recall, latency and the building of the index through the service's repository."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out.mkdir(parents=True, exist_ok=True)
    model, size = _MODELS[dimension], int(dimension)
    machine = describe()
    cohort = read_cohort(cohort_path(DEFAULT_WEIGHTS_DIR, _COHORT))
    population = populate(faces, dimension=size, probes=probes, cohort=cohort)
    collections = _collections(population.subjects)
    shutil.rmtree(out / "search", ignore_errors=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, out / "search", ignore_errors=True)
        (out / "search").mkdir()
        server = stack.enter_context(throwaway_postgres(out / "search" / "postgres"))
        url = server.url("postgres")
        make_tables(url, size)
        engine = build_engine(url, pool_size=4)
        stack.callback(engine.dispose)

        def uow() -> SqlUnitOfWork:
            return SqlUnitOfWork(engine)

        click.echo(f"Storing {faces} faces ...")
        begin = time.perf_counter()
        fill(url, collections, population, model=model, uow=uow)
        filled_s = time.perf_counter() - begin
        click.echo("Building the index ...")
        built_s = build_index(engine, size, memory=memory)
        analyse(engine)
        found = []
        for filled in collections:
            # The walk to a small part of the table is long, and the service does not take it.
            ways = (None, "exact", "index") if 10 * len(filled.faces) >= faces else (None,)
            for way in ways:
                found.append(
                    measure(filled, population, model=model, way=way, seconds=seconds, uow=uow)
                )
                click.echo(f"  {_row(found[-1])}")
        known = [
            identify(filled, population, model=model, seconds=seconds, uow=uow)
            for filled in collections
            if model == _COHORT
        ]
        click.echo("Enrolling at the same time ...")
        begin = time.perf_counter()
        with enrolling(collections[-1], model=model, uow=uow) as enrolments:
            disturbed = measure(
                collections[-1],
                population,
                model=model,
                way=None,
                seconds=seconds,
                uow=uow,
                searchers=_SEARCHERS,
            )
        enrolled_s = time.perf_counter() - begin
        figures = {
            "machine": machine,
            "faces": faces,
            "dimension": size,
            "stored_s": filled_s,
            "index_built_s": built_s,
            "index_mb": index_mb(engine, size),
            "searches": [asdict(search) for search in found],
            "identifications": [asdict(one) for one in known],
            "while_enrolling": asdict(disturbed),
            "enrolled_s": enrolled_s,
            "enrolments_s": enrolments,
        }
    report = _report(figures, found, known, disturbed, enrolments)
    (out / f"search-{faces}x{size}.json").write_text(json.dumps(figures, indent=1) + "\n")
    (out / f"search-{faces}x{size}.md").write_text(report + "\n")
    click.echo(f"\n{report}\n\nWritten to {out}.")


def _collections(subjects: np.ndarray) -> list[FilledCollection]:
    """Give shares of the people to small collections, and the rest to a large one."""
    people = np.unique(subjects)
    parts: list[tuple[str, np.ndarray]] = []
    taken = 0
    for share, part in _SHARES.items():
        size = max(1, round(len(people) * part))
        parts.append((share, people[taken : taken + size]))
        taken += size
    parts.append(("the rest", people[taken:]))
    return [
        FilledCollection(
            share=share,
            collection_id=new_id(),
            faces=np.flatnonzero(np.isin(subjects, own)),
            subject_ids={int(number): new_id() for number in own},
        )
        for share, own in parts
    ]


def _row(search: Search) -> tuple[object, ...]:
    p50, p99 = (1000 * percentile(search.seconds, share) for share in (0.5, 0.99))
    return search.share, search.faces, search.way, len(search.seconds), search.recall, p50, p99


def _spread(seconds: Sequence[float]) -> str:
    p50, p99 = (1000 * percentile(seconds, share) for share in (0.5, 0.99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _report(
    figures: dict[str, object],
    found: Sequence[Search],
    known: Sequence[Identification],
    disturbed: Search,
    enrolments: Sequence[float],
) -> str:
    head = ("collection", "faces", "search", "probes", "recall@10", "p50 ms", "p99 ms")
    rows = [_row(search) for search in found]
    rows.append((f"the rest, {_SEARCHERS} searchers, while enrolling", *_row(disturbed)[1:]))
    rate = len(enrolments) / figures["enrolled_s"]  # type: ignore[operator]
    machine = figures["machine"]
    lines = [f"- {name}: {value}" for name, value in machine.items()]  # type: ignore[attr-defined]
    return "\n".join(
        [
            f"# Search among {figures['faces']} faces of {figures['dimension']} values",
            "",
            *lines,
            f"- stored in {figures['stored_s']:.0f} s without the index",
            f"- index of {figures['index_mb']:.0f} MB built in {figures['index_built_s']:.0f} s",
            f"- {rate:.0f} faces enrolled a second during the last searches: {_spread(enrolments)}",
            "",
            table(head, rows),
            "",
            "A probe's ten nearest subjects, compared with those found by comparing all faces.",
            *_identifications(known),
        ]
    )


def _identifications(known: Sequence[Identification]) -> list[str]:
    if not known:
        return []
    head = ("collection", "subjects", "matcher", "probes", "first ms", "p50 ms", "p99 ms")
    rows = [
        (
            one.share,
            one.subjects,
            one.matcher,
            len(one.seconds),
            1000 * one.first_s,
            *(1000 * percentile(one.seconds, share) for share in (0.5, 0.99)),
        )
        for one in known
    ]
    return [
        "",
        "Whole identifications, by the matcher that the service chooses.",
        "",
        table(head, rows),
    ]


if __name__ == "__main__":
    main()
