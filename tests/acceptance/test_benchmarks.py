"""Each benchmark runs whole, at its smallest size: what it tells has its shape, at any speed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from deploy.local.paths import PROJECT

pytestmark = pytest.mark.timeout(600)


def run(module, *options):
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, options)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_benchmark_of_searches_tells_of_each_collection_and_matcher(tmp_path):
    size = ("--faces", 2_000, "--probes", 6, "--seconds", 1)
    said = run("tests.bench.search", *size, "--out", tmp_path)
    figures = json.loads((tmp_path / "search-2000x128.json").read_text())
    ways = [(one["share"], one["way"].partition(",")[0]) for one in figures["searches"]]
    assert ways == [
        ("0.1 %", "exact"),
        ("1 %", "exact"),
        *(("10 %", way) for way in ("exact", "exact", "index")),
        *(("the rest", way) for way in ("exact", "exact", "index")),
    ]
    assert all(one["recall"] > 0.9 and one["seconds"] for one in figures["searches"])
    assert sum(one["faces"] for one in figures["searches"] if "chosen" in one["way"]) == 2_000
    identified = figures["identifications"]
    assert [one["share"] for one in identified] == ["0.1 %", "1 %", "10 %", "the rest"]
    assert {one["matcher"] for one in identified} == {"prototype"}
    assert sum(one["subjects"] for one in identified) == 400
    assert figures["enrolments_s"]
    report = (tmp_path / "search-2000x128.md").read_text()
    assert report.count("| the rest") == 5
    assert report in said
    assert not (tmp_path / "search").exists()


def test_the_benchmark_of_searches_takes_vectors_of_512_values(tmp_path):
    size = ("--faces", 500, "--probes", 6, "--seconds", 1, "--dimension", 512)
    run("tests.bench.search", *size, "--out", tmp_path)
    figures = json.loads((tmp_path / "search-500x512.json").read_text())
    assert figures["dimension"] == 512
    assert figures["identifications"] == []
    assert figures["index_mb"] > 0


def test_the_benchmark_of_throughput_gives_every_contestant_its_turns(service, tmp_path):
    photographs = ("--small", 2, "--large", 1, "--latencies", 1, "--bulk", 3, "--soak", 4)
    size = ("--seconds", 1, "--rounds", 1, *photographs)
    said = run("tests.bench.throughput", *size, "--state", service.state, "--out", tmp_path)
    figures = json.loads((tmp_path / "report.json").read_text())
    assert len(figures["turns"]) == 2
    for contestants in figures["turns"].values():
        assert len(contestants) == 7
        assert all(len(turns) == 1 for turns in contestants.values())
    assert {len(times) for times in figures["latencies"].values()} == {1}
    assert (figures["bulk_images"], len(figures["bulk_submit_s"])) == (3, 5)
    for agreements in figures["agreements"].values():
        alike, smaller = agreements.values()
        assert alike["recall"] > 0.9
        assert 0 < alike["faces"] <= smaller["faces"]
    #: Two entries are the service, and have each of three photographs four times; four soak.
    assert list(figures["resident_mb"]) == ["0", str(2 * 4 * 3 + 4)]
    report = (tmp_path / "report.md").read_text()
    assert report in said
    for title in ("Idle: milliseconds", "The same faces?", "Memory and start"):
        assert f"## {title}" in report
    assert {"throughput.png", "latency.png"} <= {path.name for path in tmp_path.iterdir()}


def test_the_benchmark_of_comprefaces_api_tells_of_each_call(service, tmp_path):
    size = ("--clients", 2, "--seconds", 3, "--waiting", 3, "--examples", 6)
    said = run("tests.bench.compreface", *size, "--state", service.state, "--out", tmp_path)
    figures = json.loads((tmp_path / "compreface.json").read_text())
    calls = ("detect", "recognize", "verify", "health_while_waiting")
    assert all(figures[name] for name in calls)
    assert 500_000 < figures["photograph_bytes"] < 1_000_000
    for name in ("detect", "recognize", "verify"):
        assert f"\n{name} " in said
    assert "with 3 clients waiting" in said
