"""Choose how networks are run on this machine."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from app.domain.errors import ConfigurationError
from workers.engines.ports import Engine, Precision

EngineChoice = Literal["auto", "openvino", "torch"]
DeviceChoice = Literal["auto", "cpu", "cuda"]
PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16", "int8"]

#: Processor flags of which one makes bf16 several times faster than fp32; without them it is
#: emulated and slower.
_BF16_FLAGS = {"amx_bf16", "avx512_bf16"}
#: The same for int8; without them it is no faster than fp32, and rounds worse.
_INT8_FLAGS = {"amx_int8", "avx512_vnni", "avx_vnni"}
#: Without it a first look in bf16 at every crop costs as much as it saves: on an AMD EPYC (Zen 5)
#: bf16 takes two thirds of the time of fp32, and two of five crops are looked at again.
_SIFTING_FLAG = "amx_bf16"
#: Present where NVIDIA's driver is loaded; asking torch instead would mean to import it.
_CUDA_DRIVER = Path("/dev/nvidiactl")


def build_engine(
    engine: EngineChoice,
    *,
    precision: PrecisionChoice = "auto",
    device: DeviceChoice = "auto",
    threads: int = 1,
    weights_dir: Path,
) -> Engine:
    """Return the engine asked for, or the fastest that this machine has.

    ``auto`` prefers a CUDA device, then OpenVINO, then torch on the CPU; the precision ``auto`` is
    fp16 on a CUDA device; elsewhere bf16 where the processor computes in it, else fp32, and with
    OpenVINO int8 beside it. ``int8`` is never alone: only the convolutions that can bear it use it.

    Raises: ConfigurationError: the engine is not installed, or cannot run here.
    """
    if precision == "int8":
        if engine == "torch":
            raise ConfigurationError(
                "The precision int8 needs the engine openvino. Choose bf16 for torch."
            )
        engine = "openvino"
    if engine == "openvino" and device == "cuda":
        raise ConfigurationError("OpenVINO runs on the CPU. Choose the engine torch for cuda.")
    # engines are imported here because a worker shall hold one of them in memory, not both
    if engine != "openvino" and _on_cuda(device):
        from workers.engines.torch_engine import TorchEngine  # noqa: PLC0415

        chosen: Precision = precision if precision in ("fp32", "bf16") else "fp16"
        return TorchEngine(weights_dir, device="cuda", precision=chosen, threads=threads)
    if engine == "torch" or (engine == "auto" and find_spec("openvino") is None):
        from workers.engines.torch_engine import TorchEngine  # noqa: PLC0415

        chosen = _cpu_precision(precision)
        return TorchEngine(weights_dir, device="cpu", precision=chosen, threads=threads)
    if find_spec("openvino") is None:
        raise ConfigurationError(
            "The engine openvino is not installed. Install it or choose torch."
        )
    from workers.engines.openvino_engine import OpenVinoEngine  # noqa: PLC0415

    int8 = precision == "int8" or (precision == "auto" and bool(_INT8_FLAGS & _cpu_flags()))
    return OpenVinoEngine(
        weights_dir,
        precision=_cpu_precision(precision),
        int8=int8,
        sifts=_SIFTING_FLAG in _cpu_flags(),
        threads=threads,
    )


def _on_cuda(device: DeviceChoice) -> bool:
    return device == "cuda" or (device == "auto" and _CUDA_DRIVER.exists())


def _cpu_precision(precision: PrecisionChoice) -> Precision:
    if precision == "fp16":
        raise ConfigurationError(
            "The precision fp16 does not run on a CPU. Choose fp32, bf16 or int8."
        )
    if precision in ("fp32", "bf16"):
        return precision
    return "bf16" if _BF16_FLAGS & _cpu_flags() else "fp32"


def _cpu_flags(path: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the first processor's flags; none where the system does not tell."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
