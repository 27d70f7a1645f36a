"""The lock files: what each installs, and that no machine has left its traces in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "deploy" / "requirements"
HASHED = ("web", "worker", "local", "dev")


def pins(file):
    found = re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", file.read_text(), re.MULTILINE)
    return {(name, version) for name, version in found}


def names(file):
    return {name for name, _ in pins(file)}


@pytest.mark.parametrize("name", [*HASHED, "audit"])
def test_every_package_is_pinned_with_hashes(name):
    blocks = re.split(r"\n(?=[a-z])", (REQUIREMENTS / f"{name}.txt").read_text())[1:]
    assert len(blocks) > 20
    assert [b for b in blocks if "==" not in b or "--hash=sha256:" not in b] == []


def test_the_web_image_holds_no_model_code():
    assert not names(REQUIREMENTS / "web.txt") & {"torch", "openvino", "facenet-pytorch", "numba"}


def test_the_worker_image_holds_no_web_framework():
    assert not names(REQUIREMENTS / "worker.txt") & {"flask", "flask-restx", "waitress"}


@pytest.mark.parametrize("name", HASHED)
def test_all_locks_agree_with_the_one_that_holds_everything(name):
    extra = {"torch", "torchvision"}
    everything = pins(REQUIREMENTS / "dev.txt")
    assert {p for p in pins(REQUIREMENTS / f"{name}.txt") if p[0] not in extra} <= everything
    assert {p for p in pins(ROOT / "requirements.txt") if p[0] not in extra} <= everything


def test_the_plain_requirements_hold_what_both_images_hold():
    images = names(REQUIREMENTS / "web.txt") | names(REQUIREMENTS / "worker.txt")
    assert images | {"torch", "torchvision"} <= names(ROOT / "requirements.txt")


@pytest.mark.parametrize(
    "file", [*REQUIREMENTS.glob("*.txt"), ROOT / "requirements.txt"], ids=lambda file: file.name
)
def test_no_address_or_path_of_a_machine_is_in_a_lock(file):
    assert not re.search(r"https?://|file:|^-|\s/\w|@ ", file.read_text(), re.MULTILINE)


def test_facenet_pytorch_is_not_the_release_that_pins_an_old_torch():
    assert ("facenet-pytorch", "2.5.3") in pins(REQUIREMENTS / "worker.txt")
