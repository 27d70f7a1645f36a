import hashlib
import os
import shutil

import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR, read_manifest
from app.domain.errors import WeightsError
from workers.engines.openvino_files import read_openvino_files
from workers.weights.store import load_arrays, read_verified, weights_path


@pytest.fixture
def weights_dir(tmp_path):
    """A copy of the smallest network's files."""
    (tmp_path / "files").mkdir()
    for path in [DEFAULT_WEIGHTS_DIR / "manifest.toml", *DEFAULT_WEIGHTS_DIR.glob("files/*")]:
        if path.name.startswith(("manifest", "pnet", "installed")):
            shutil.copy(path, tmp_path / path.relative_to(DEFAULT_WEIGHTS_DIR))
    return tmp_path


def test_intact_weights_load(weights_dir):
    assert load_arrays(weights_dir, "pnet")["conv1.weight"].shape == (10, 3, 3, 3)


def swap(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def link(path):
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


def replace_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("harm", [swap, cut, link, replace_by_folder, replace_by_pipe])
@pytest.mark.parametrize("suffix", ["safetensors", "xml", "bin"])
def test_harmed_weights_are_refused_by_name(weights_dir, harm, suffix):
    path = weights_dir / "files" / f"pnet.{suffix}"
    harm(path)

    def read():
        load_arrays(weights_dir, "pnet")
        read_openvino_files(weights_dir, read_manifest(weights_dir).entry("pnet"))

    with pytest.raises(WeightsError, match=path.name):
        read()


def test_missing_weights_name_the_command(weights_dir):
    weights_path(weights_dir, "pnet").unlink()

    with pytest.raises(WeightsError, match=r"workers\.fetch_weights"):
        load_arrays(weights_dir, "pnet")


def test_openvino_files_of_other_weights_are_out_of_date(weights_dir):
    manifest = weights_dir / "manifest.toml"
    entry = read_manifest(weights_dir).entry("pnet")
    manifest.write_text(manifest.read_text().replace(entry.sha256, "0" * 64))

    with pytest.raises(WeightsError, match="out of date"):
        read_openvino_files(weights_dir, read_manifest(weights_dir).entry("pnet"))


def test_unknown_weights_are_answered_with_the_known_ones(weights_dir):
    with pytest.raises(WeightsError, match="facenet-msceleb-128"):
        load_arrays(weights_dir, "facenet")


def test_verified_content_is_what_was_hashed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()

    assert read_verified(path, sha256=digest, size=7) == b"content"


def test_unreadable_manifest_is_said(tmp_path):
    (tmp_path / "manifest.toml").write_text("[[weights]]\nid = 'x'\n")

    with pytest.raises(WeightsError, match=r"manifest\.toml"):
        read_manifest(tmp_path)


def test_every_manifest_entry_tells_where_it_is_from_and_what_it_may_be_used_for():
    for entry in read_manifest(DEFAULT_WEIGHTS_DIR).weights.values():
        assert entry.licence
        assert entry.training_set
        assert entry.input
        assert entry.source.sha256 is not None or entry.sha256 is None
        if entry.default:
            assert entry.sha256 is not None
            assert entry.source.sha256 is not None
