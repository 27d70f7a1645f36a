"""Whoever shares the table: a search finds what a comparison with every face finds."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import text

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.embedding import Embedding
from app.domain.identity import new_id
from app.storage.database.engine import build_engine
from app.storage.search import face_search
from app.storage.unit_of_work import SqlUnitOfWork
from deploy.local.throwaway import running_postgres, throwaway_postgres
from tests.bench.search_database import FilledCollection, analyse, build_index, fill, make_tables
from tests.bench.search_vectors import populate
from workers.matching.cohort import cohort_path, read_cohort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from deploy.local.postgres import PostgresServer

    #: Faces with their similarities.
    Found = Sequence[tuple[UUID, float]]
    Search = Callable[[np.ndarray, FilledCollection], Found]

MODEL = "facenet-msceleb-128"
LIMIT = 10
#: A cosine that about half of the known probes reach, so that decisions are near.
THRESHOLD = 0.75
#: One collection of each of these sizes; the last takes the people that are left.
SIZES = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)

_NAIVE = """
    SELECT id, subject_id, embedding <=> CAST(:probe AS vector) AS distance FROM faces
    WHERE collection_id = :collection_id AND model = :model AND vector_dims(embedding) = 128
    ORDER BY CAST(embedding AS halfvec(128)) <=> CAST(CAST(:probe AS vector) AS halfvec(128))
    LIMIT 10
"""


@dataclass(slots=True)
class Tally:
    """What searches came to, over all their probes."""

    probes: int = 0
    short: int = 0
    foreign: int = 0
    differing: int = 0
    #: The worst of the collections.
    recall: float = 1.0

    @property
    def holds(self) -> bool:
        return (
            self.recall >= 0.99
            and not self.short
            and not self.foreign
            and self.differing <= self.probes / 1000
        )

    def __str__(self) -> str:
        return (
            f"recall@10 {self.recall:.4f} in the worst collection, {self.short} short answers, "
            f"{self.foreign} faces of others, {self.differing} decisions differ"
        )


class Tenants:
    """Collections of all sizes in one table, and the searches through it."""

    def __init__(self, url: str, count: int, probes: int) -> None:
        cohort = read_cohort(cohort_path(DEFAULT_WEIGHTS_DIR, MODEL))
        self.population = populate(count, dimension=128, probes=probes, cohort=cohort)
        self.engine = build_engine(url, pool_size=2)
        self.collections = self._collections(count)
        make_tables(url, 128)
        fill(url, self.collections, self.population, model=MODEL, uow=self.uow)
        build_index(self.engine, 128, memory="256MB")
        analyse(self.engine)

    def uow(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.engine)

    def _collections(self, count: int) -> list[FilledCollection]:
        subjects = self.population.subjects
        order = np.argsort(subjects, kind="stable")
        ends = np.cumsum([size for size in SIZES if 2 * size <= count])
        return [
            FilledCollection(
                share=str(len(own)),
                collection_id=new_id(),
                faces=own,
                subject_ids={int(number): new_id() for number in np.unique(subjects[own])},
            )
            for own in np.split(order, ends[ends < count])
        ]

    def stored(self, filled: FilledCollection, *, seqscan: bool) -> dict[UUID, np.ndarray]:
        """Read a collection's faces, by the table or by its plain index."""
        other = "indexscan = off; SET LOCAL enable_bitmapscan" if seqscan else "seqscan"
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL enable_{other} = off")
            rows = connection.execute(
                text("SELECT id, CAST(embedding AS real[]) FROM faces WHERE collection_id = :own"),
                {"own": filled.collection_id},
            )
            return {row[0]: np.array(row[1], np.float32) for row in rows}

    def delete_some(self, share: float) -> None:
        with self.engine.begin() as connection:
            connection.execute(text("SELECT setseed(0.5)"))
            connection.execute(text("DELETE FROM faces WHERE random() < :share"), {"share": share})
        analyse(self.engine)

    def product(self, probe: np.ndarray, filled: FilledCollection) -> Found:
        embedding = Embedding(model=MODEL, vector=tuple(probe.tolist()))
        with self.uow() as work:
            found = work.faces.nearest_faces(embedding, filled.collection_id, limit=LIMIT)
        return [(one.face_id, one.similarity) for one in found]

    def naive(self, probe: np.ndarray, filled: FilledCollection) -> Found:
        with self.engine.begin() as connection:
            for other in ("seqscan", "bitmapscan", "sort"):
                connection.exec_driver_sql(f"SET LOCAL enable_{other} = off")
            return [
                (row.id, 1 - row.distance)
                for row in connection.execute(
                    text(_NAIVE),
                    {
                        "probe": str(probe.tolist()),
                        "collection_id": filled.collection_id,
                        "model": MODEL,
                    },
                )
            ]

    def check(self, search: Search, tally: Tally) -> None:
        """Search every collection for every probe, and compare with all of its faces."""
        for filled in self.collections:
            stored = self.stored(filled, seqscan=True)
            assert stored.keys() == self.stored(filled, seqscan=False).keys()
            ids, vectors = list(stored), np.array(list(stored.values()))
            hits = wanted = 0
            for probe in self.population.probes:
                cosines = vectors @ probe
                nearest = np.argsort(-cosines)[:LIMIT]
                expected = {ids[place] for place in nearest}
                found = search(probe, filled)
                own = {face_id for face_id, _ in found}
                best = max((similarity for _, similarity in found), default=-1)
                hits += len(expected & own)
                wanted += len(expected)
                tally.probes += 1
                tally.short += len(own) < len(expected)
                tally.foreign += len(own - stored.keys())
                tally.differing += (best >= THRESHOLD) != bool(cosines[nearest[0]] >= THRESHOLD)
            tally.recall = min(tally.recall, hits / wanted)


@pytest.mark.timeout(900)
def test_every_collection_finds_its_nearest_also_after_deletes_and_a_crash(
    tmp_path, monkeypatch, size, finding
):
    """Collections above the limit go through the index, so the limit is lowered to this size."""
    count = size(small=3_000, fast=8_000, full=50_000)
    monkeypatch.setattr(face_search, "EXACT_LIMIT", count // 10)
    product, naive = Tally(), Tally()
    with ExitStack() as servers:
        first = servers.enter_context(ExitStack())
        server = first.enter_context(throwaway_postgres(tmp_path / "postgres"))
        tenants = Tenants(server.url("postgres"), count, size(small=10, fast=40, full=200))
        servers.callback(tenants.engine.dispose)
        tenants.check(tenants.product, product)
        tenants.check(tenants.naive, naive)
        tenants.delete_some(0.3)
        left = [tenants.stored(filled, seqscan=True).keys() for filled in tenants.collections]
        crash(server)
        first.close()
        servers.enter_context(running_postgres(server))
        tenants.engine.dispose()
        assert left == [tenants.stored(one, seqscan=True).keys() for one in tenants.collections]
        tenants.check(tenants.product, product)
    finding(
        test="T23",
        promise="A search finds the same faces and comes to the same decision as a comparison with "
        "every face of its collection, of 10 faces or of most of the table",
        n=product.probes,
        figure=str(product),
        passed=product.holds,
        naive=f"the index, filtered by collection: {naive}",
        naive_failed=not naive.holds and naive.short > 0,
    )


def crash(server: PostgresServer) -> None:
    """Stop the server as a power cut does: nothing is written any more."""
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
