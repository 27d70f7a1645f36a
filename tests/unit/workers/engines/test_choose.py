import subprocess
import sys

import pytest

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR
from app.domain.errors import ConfigurationError
from workers.engines import choose
from workers.engines.choose import build_engine


@pytest.mark.parametrize(
    ("engine", "precision", "name"),
    [
        ("openvino", "fp32", "openvino-fp32"),
        ("openvino", "bf16", "openvino-bf16"),
        ("auto", "bf16", "openvino-bf16"),
        ("torch", "fp32", "torch-fp32"),
        ("torch", "bf16", "torch-bf16"),
        ("auto", "fp32", "openvino-fp32"),
    ],
)
def test_engine_tells_its_name_and_precision(engine, precision, name):
    built = build_engine(engine, precision=precision, device="cpu", weights_dir=DEFAULT_WEIGHTS_DIR)

    assert built.name == name


@pytest.mark.parametrize(
    ("flags", "expected"), [({"avx2", "amx_bf16"}, "bf16"), ({"avx2", "avx512f"}, "fp32")]
)
def test_automatic_precision_follows_the_processor(monkeypatch, flags, expected):
    monkeypatch.setattr(choose, "_cpu_flags", lambda: flags)

    engine = build_engine("torch", device="cpu", weights_dir=DEFAULT_WEIGHTS_DIR)

    assert engine.name == f"torch-{expected}"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512_bf16", "avx512_vnni"}, "openvino-bf16-int8"),
        ({"avx2", "avx_vnni"}, "openvino-fp32-int8"),
        ({"amx_bf16"}, "openvino-bf16"),
        ({"avx2"}, "openvino-fp32"),
    ],
)
def test_openvino_takes_int8_where_the_processor_has_it(monkeypatch, flags, expected):
    monkeypatch.setattr(choose, "_cpu_flags", lambda: flags)

    engine = build_engine("openvino", device="cpu", weights_dir=DEFAULT_WEIGHTS_DIR)

    assert engine.name == expected


@pytest.mark.parametrize(
    ("flags", "precision", "expected"),
    [
        ({"amx_bf16"}, "auto", True),
        ({"amx_bf16"}, "fp32", False),
        ({"avx512_bf16"}, "auto", False),
    ],
)
def test_crops_are_sifted_only_where_bf16_is_much_faster(monkeypatch, flags, precision, expected):
    monkeypatch.setattr(choose, "_cpu_flags", lambda: flags)

    engine = build_engine(
        "openvino", device="cpu", precision=precision, weights_dir=DEFAULT_WEIGHTS_DIR
    )

    assert engine.sifts == expected


def test_int8_is_taken_when_asked_for_and_takes_openvino_with_it(monkeypatch):
    monkeypatch.setattr(choose, "_cpu_flags", lambda: {"avx512_bf16"})

    engine = build_engine("auto", precision="int8", weights_dir=DEFAULT_WEIGHTS_DIR)

    assert engine.name == "openvino-bf16-int8"


@pytest.mark.parametrize(
    "arguments",
    [
        {"engine": "openvino", "device": "cuda"},
        {"engine": "openvino", "precision": "fp16"},
        {"engine": "torch", "device": "cpu", "precision": "fp16"},
        {"engine": "torch", "precision": "int8"},
        {"engine": "auto", "device": "cuda", "precision": "int8"},
    ],
)
def test_impossible_choices_are_refused(arguments):
    with pytest.raises(ConfigurationError):
        build_engine(**arguments, weights_dir=DEFAULT_WEIGHTS_DIR)


def test_absent_cuda_device_is_said(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    with pytest.raises(ConfigurationError, match="cuda"):
        build_engine("torch", device="cuda", weights_dir=DEFAULT_WEIGHTS_DIR)


def test_pipeline_on_openvino_never_loads_torch():
    code = (
        "import sys; from workers.registry import build_pipeline;"
        "build_pipeline('facenet-msceleb-128', engine='openvino', device='cpu').analyse([b'']);"
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
