"""The same change with real networks and photographs, the second network being made here."""

from __future__ import annotations

from statistics import mean

import numpy as np
import pytest

from deploy.local.paths import PROJECT
from tests.chaos.model_change import ModelChange, Searchers
from tests.chaos.stack import Stack, wait_for
from tests.made_models import MADE, MAIN, install_made_model

_SAMPLES = PROJECT / "var" / "samples"
#: A probe this like its person is no matter of thresholds.
_CLEAR = 0.75


class RealStack(Stack):
    """The service with its own inference worker, of one process."""

    def __init__(self, folder, weights_dir):
        super().__init__(folder, concurrency=1, VULTUS_WEIGHTS_DIR=str(weights_dir))
        stub = self._commands["worker"]
        self._commands["worker"] = lambda: [
            "tasks.inference_worker" if part == "tests.chaos.stub_worker" else part
            for part in stub()
        ]


@pytest.fixture(scope="module")
def real_stack(tmp_path_factory, tier):
    if tier == "small":
        pytest.skip("real networks take minutes: --tier fast")
    weights_dir = install_made_model(tmp_path_factory.mktemp("weights") / "made")
    with RealStack(tmp_path_factory.mktemp("real"), weights_dir) as running:
        running.wait_for_worker()
        yield running


def _photographs(part):
    return {path: path.parent.name for path in sorted((_SAMPLES / part).glob("*/*.jpg"))}


def test_the_change_is_as_good_with_real_networks(real_stack, finding):
    enrolled, probes = _photographs("train"), _photographs("val")
    assert enrolled, 'there are no sample photographs; run "make weights"'
    with (
        ModelChange(real_stack, "people") as change,
        ModelChange(real_stack, "made") as made,
    ):
        change.http.post("/v1/collections", json={"name": "people"}).raise_for_status()
        made.http.post("/v1/collections", json={"name": "made", "model": MADE}).raise_for_status()
        ids = {path: change.enrol(name, path.read_bytes()) for path, name in enrolled.items()}
        clear = {}
        for path, name in probes.items():
            if _similarity(change, path.read_bytes(), name) >= _CLEAR:
                clear[name] = path.read_bytes()
        with Searchers(real_stack, "people", clear, threads=1) as before:
            wait_for(lambda: before.count > 20, what="searches")
        with Searchers(real_stack, "people", clear, threads=1) as during:
            change.start(MADE)
            wait_for(lambda: change.done() > 0, what="the second model")
            first = during.count
            wait_for(lambda: change.done() > len(enrolled) * 2 // 3, what="progress")
            meanwhile = during.took[first + 1 :]
            real_stack.restart("worker")
            report = change.wait_for_state("ready")["report"]
        some = list(enrolled.items())[:10]
        ids_made = {path: made.enrol(name, path.read_bytes()) for path, name in some}
        with Searchers(real_stack, "people", clear, threads=1) as switching:
            for what in ("activate", "rollback", "activate"):
                seen = switching.count
                wait_for(lambda seen=seen: switching.count > seen + 6, what="searches")
                change.call(what)
            vectors = _vectors(change) | _vectors(made)
            change.call("finish")
            change.wait_for_state("finished")
        alone = change.rows(
            "SELECT count(*) FROM faces WHERE collection_id = %s AND second_model IS NULL"
            f" AND model = '{MADE}' AND vector_dims(embedding) = 512"
        )[0][0]
        recognised = made.search(some[0][0].read_bytes())
    cosines = [float(vectors[ids[path]] @ vectors[ids_made[path]]) for path, _ in some]
    kept = set(ids.values()) & set(ids_made.values())
    wrong = [*during.wrong, *switching.wrong]
    former, new = report["former"], report["new"]
    finding(
        test="T33",
        promise="With real networks a photograph embedded anew has the vector that its enrolment "
        "by the new model gives, and the report finds two models alike that are alike",
        n=len(enrolled),
        figure=f"{len(wrong)} of {during.count + switching.count} searches wrong by"
        f" {dict(during.models + switching.models)}; least cosine {min(cosines):.4f}; rank-1"
        f" {former['rank1']} and {new['rank1']}, separation {former['separation']} and"
        f" {new['separation']}, {former['ms_per_face']} and {new['ms_per_face']} ms a face;"
        f" a search took {mean(before.took):.2f} s (mean; most {max(before.took):.2f}) before, and"
        f" {mean(meanwhile):.2f} s (most {max(meanwhile):.2f}) while its process embedded faces",
        passed=not wrong
        and set(during.models) == {MAIN}
        and set(switching.models) == {MAIN, MADE}
        and min(cosines) > 0.999
        and abs(former["rank1"] - new["rank1"]) < 0.03
        and abs(former["separation"] / new["separation"] - 1) < 0.05
        and alone == len(enrolled)
        and recognised == (MADE, some[0][1]),
        naive=f"enrolled again in a collection of the new model: {len(kept)} of {len(some)} faces"
        " keep their ids",
        naive_failed=len(kept) < len(some),
    )


def _similarity(change, photograph, name) -> float:
    job = change._job(f"{change.home}/recognitions", {}, photograph)
    faces = job["result"]["images"][0]["faces"]
    best = faces[0]["candidates"][0] if faces else {"subject": None}
    return best["similarity"] if best["subject"] == name else -1


def _vectors(change) -> dict[str, np.ndarray]:
    """Return the vectors by the made model, by the ids of faces."""
    rows = change.rows(
        f"SELECT id, CASE model WHEN '{MADE}' THEN embedding ELSE second_embedding END::real[]"
        " FROM faces WHERE collection_id = %s"
    )
    return {str(face_id): np.array(vector, np.float32) for face_id, vector in rows}
