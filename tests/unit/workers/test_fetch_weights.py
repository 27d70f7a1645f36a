"""The command, on an originals folder made here: nothing is fetched."""

import hashlib
import os

import jaxtyping
import pytest
import torch

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from workers.fetch_weights import main
from workers.networks.inception_resnet_v1 import InceptionResnetV1
from workers.registry import build_pipeline, model_card
from workers.weights.store import load_arrays, weights_path

CASIA = "facenet-casia-512"
ORIGINAL = "20180408-102900-casia-webface.pt"


@pytest.fixture(scope="module", autouse=True)
def untyped():
    """Shapes are not numbers while OpenVINO traces a network, so they cannot be checked."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return InceptionResnetV1(512).state_dict() | {
        "logits.weight": torch.zeros(10575, 512),
        "logits.bias": torch.zeros(10575),
    }


def _linked_weights(folder):
    """Link the project's weights file by file, so that fetching adds beside them."""
    (folder / "files").mkdir(parents=True)
    for path in [*DEFAULT_WEIGHTS_DIR.glob("*.toml"), *DEFAULT_WEIGHTS_DIR.glob("files/*")]:
        target = folder / path.relative_to(DEFAULT_WEIGHTS_DIR)
        if path.name == "installed.json":
            target.write_bytes(path.read_bytes())
        else:
            os.link(path, target)
    return folder


@pytest.fixture
def weights_dir(tmp_path):
    return _linked_weights(tmp_path / "weights")


@pytest.fixture
def originals(tmp_path):
    folder = tmp_path / "originals"
    folder.mkdir()
    return folder


def fetch(weights_dir, originals, model=CASIA):
    return main(["--weights-dir", str(weights_dir), "--from", str(originals), "--model", model])


@pytest.fixture(scope="module")
def brought(tmp_path_factory, state):
    """The folders of weights and of originals, after a checkpoint was brought and installed."""
    weights_dir = _linked_weights(tmp_path_factory.mktemp("weights"))
    originals = tmp_path_factory.mktemp("originals")
    torch.save(state, originals / ORIGINAL)
    assert fetch(weights_dir, originals) == 0
    return weights_dir, originals


def test_checkpoint_brought_by_hand_becomes_a_working_model(brought, sample_path):
    weights_dir, _ = brought
    assert "logits.weight" not in load_arrays(weights_dir, CASIA)
    assert model_card(CASIA, weights_dir=weights_dir).preprocessing == "standardise"
    pipeline = build_pipeline(CASIA, engine="openvino", device="cpu", weights_dir=weights_dir)
    (analysis,) = pipeline.analyse([sample_path.read_bytes()])
    assert analysis.faces[0].embedding.model == CASIA
    assert analysis.faces[0].embedding.dimension == 512


def test_second_run_changes_nothing_and_one_without_the_file_makes_the_same_again(brought):
    weights_dir, originals = brought
    path = weights_path(weights_dir, CASIA)
    before, digest = path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()

    assert fetch(weights_dir, originals) == 0
    assert path.stat().st_mtime_ns == before

    path.unlink()
    fetch(weights_dir, originals)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_foreign_checkpoint_is_refused_where_a_hash_is_pinned(
    weights_dir, originals, state, capsys
):
    torch.save(state, originals / "20180402-114759-vggface2.pt")

    assert fetch(weights_dir, originals, "facenet-vggface2-512") == 1

    assert "bytes, but 111898327 are expected" in capsys.readouterr().out


@pytest.mark.parametrize("harm", ["missing", "extra", "shape"])
def test_checkpoint_of_another_network_is_refused(weights_dir, originals, state, harm, capsys):
    other = dict(state)
    if harm == "missing":
        del other["last_linear.weight"]
    elif harm == "extra":
        other["head.weight"] = torch.zeros(3)
    else:
        other["last_linear.weight"] = torch.zeros(128, 1792)
    torch.save(other, originals / ORIGINAL)

    assert fetch(weights_dir, originals) == 1

    assert "does not fit its network" in capsys.readouterr().out
    assert not weights_path(weights_dir, CASIA).exists()


def test_checkpoint_that_would_run_code_is_refused(weights_dir, originals, capsys, tmp_path):
    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    torch.save({"conv": Harm()}, originals / ORIGINAL)

    assert fetch(weights_dir, originals) == 1

    assert not (tmp_path / "harm").exists()
    assert "is not a torch checkpoint" in capsys.readouterr().out


def test_file_that_is_no_checkpoint_is_refused(weights_dir, originals, capsys):
    (originals / ORIGINAL).write_bytes(b"no checkpoint")

    assert fetch(weights_dir, originals) == 1

    assert "is not a torch checkpoint" in capsys.readouterr().out


def test_link_is_refused_as_an_original(weights_dir, originals, state, tmp_path, capsys):
    torch.save(state, tmp_path / "elsewhere.pt")
    (originals / ORIGINAL).symlink_to(tmp_path / "elsewhere.pt")

    assert fetch(weights_dir, originals) == 1

    assert "not a regular file" in capsys.readouterr().out


def test_damaged_file_is_reported_and_left_for_inspection(weights_dir, originals, capsys):
    path = weights_path(weights_dir, "pnet")
    path.unlink()
    path.write_bytes(b"damaged")

    assert fetch(weights_dir, originals) == 1

    assert path.read_bytes() == b"damaged"
    assert "pnet.safetensors has 7 bytes" in capsys.readouterr().out
