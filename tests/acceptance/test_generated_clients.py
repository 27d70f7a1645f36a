"""Clients that are generated from the description speak with the service, and have types."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from shutil import copyfile

import pytest
from compreface_clients import drive, node_with, python_with

from deploy.local.paths import PROJECT

_DESCRIPTION = PROJECT / "app" / "docs" / "openapi.json"
_SCRIPTS = PROJECT / "tests" / "acceptance" / "openapi"
_COMPILED = ("--strict", "--target", "es2022", "--module", "commonjs", "--outDir", "compiled")


@pytest.fixture
def plan(service):
    train, val = (PROJECT / "var" / "samples" / part for part in ("train", "val"))
    ann, bob = sorted(person.name for person in val.iterdir())[:2]
    return {
        "base_url": service.base_url,
        "key": service.key,
        "enrol": [str(one) for one in sorted((train / ann).glob("*.jpg"))[:2]],
        "recognise": [str(next(iter(sorted((val / one).glob("*.jpg"))))) for one in (ann, bob)],
    }


def check(found, service):
    assert found == {
        "quality_gate": "basic",
        "enrolled": 2,
        "decisions": [["match"], ["unknown"]],
        "subjects": [["Ann"], ["Ann"]],
        "similar": True,
        "same_again": True,
        "missing": f"{service.base_url}/problems/not-found",
    }


def run(*command, cwd):
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_a_python_client_recognises_two_photographs(plan, service, tmp_path):
    python = python_with("openapi-python-client==0.29.1")
    generator = str(Path(python).with_name("openapi-python-client"))
    out = ("--output-path", "vultus_client", "--meta", "none")
    run(generator, "generate", "--path", str(_DESCRIPTION), *out, cwd=tmp_path)
    script = copyfile(_SCRIPTS / "recognise.py", tmp_path / "recognise.py")
    check(drive([python, str(script)], plan, cwd=tmp_path), service)
    types = ("--strict", "--follow-imports=silent", "--cache-dir=types")
    mypy = (sys.executable, "-m", "mypy", f"--python-executable={python}", *types)
    run(*mypy, str(script), cwd=tmp_path)


def test_a_typescript_client_recognises_two_photographs(plan, service, tmp_path):
    node = node_with("@hey-api/openapi-ts@0.95.0", "typescript@5.9.3")
    tools = node / "node_modules" / ".bin"
    where = ("--input", str(_DESCRIPTION), "--output", str(tmp_path / "client"))
    run(str(tools / "openapi-ts"), *where, "--client", "@hey-api/client-fetch", cwd=node)
    script = copyfile(_SCRIPTS / "recognise.ts", tmp_path / "recognise.ts")
    run(str(tools / "tsc"), *_COMPILED, str(script), cwd=tmp_path)
    for kind in ("enrol", "recognise"):
        plan[kind] = [base64.b64encode(Path(one).read_bytes()).decode() for one in plan[kind]]
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    starter = (
        'require("./compiled/recognise.js").recognise(require("./plan.json"))'
        ".then((found) => console.log(JSON.stringify(found)))"
    )
    check(drive(["node", "-e", starter], plan, cwd=tmp_path), service)
