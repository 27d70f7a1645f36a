"""The default gate takes ordinary photographs: the sample people's, and some of LFW's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.collection import Collection
from app.domain.selection import FacePolicy, select_face
from workers.registry import build_pipeline

_PROJECT = Path(__file__).resolve().parents[4]
_DATA = Path(os.environ.get("VULTUS_TEST_DATA", _PROJECT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def pipeline():
    return build_pipeline("facenet-msceleb-128", weights_dir=DEFAULT_WEIGHTS_DIR)


def _refused(pipeline, files):
    gate = Collection.__dataclass_fields__["quality_gate"].default
    analyses = pipeline.analyse([file.read_bytes() for file in files], embed=False)
    faces = [select_face(analysis, FacePolicy.CENTRAL) for analysis in analyses]
    return {
        file: gate.limits.reasons(face.quality)
        for file, face in zip(files, faces, strict=True)
        if gate.limits.reasons(face.quality)
    }


def test_every_sample_photograph_passes_the_default_gate(pipeline):
    files = sorted((_PROJECT / "var" / "samples").glob("*/*/*.jpg"))
    assert files, 'there are no sample photographs; run "make weights"'
    assert _refused(pipeline, files) == {}


def test_photographs_of_lfw_pass_the_default_gate(pipeline):
    files = sorted(_DATA.glob("lfw/*/*.jpg"))[::50]
    if not files:
        pytest.skip(f"LFW is not in {_DATA}")
    assert _refused(pipeline, files) == {}
