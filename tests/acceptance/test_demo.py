"""What ``make demo`` shows of a running service."""

from __future__ import annotations

from deploy.demo.__main__ import show
from deploy.demo.receiver import listening
from deploy.demo.samples import photographs, probes
from deploy.local.paths import PROJECT

SAMPLES = PROJECT / "var" / "samples"


def test_the_demonstration_recognises_everybody_and_hears_of_it(service, capsys):
    people = {name: files[:3] for name, files in photographs(SAMPLES / "train").items()}
    with service.client() as http, listening() as receiver:
        assert show(http, receiver, people, probes(SAMPLES / "val"))
        said = capsys.readouterr().out
        left = [one["name"] for one in http.get("/v1/collections").json()["items"]]
    last = list(people)[-1]
    assert f"{last} is not enrolled, and must stay unknown." in said
    assert said.count("right, ") == 2
    assert "WRONG" not in said
    assert "its signature is right: job.succeeded" in said
    assert not [name for name in left if name.startswith("demo-")]
