"""Choose how networks are run on this machine."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from app.domain.errors import ConfigurationError
from workers.engines.ports import Engine, Precision

EngineChoice = Literal["auto", "openvino", "torch", "torch-cuda"]
PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16"]

#: Processor flags of which one makes bf16 several times faster than fp32; without them it is
#: emulated and slower.
_BF16_FLAGS = {"amx_bf16", "avx512_bf16"}


def build_engine(
    choice: EngineChoice,
    *,
    precision: PrecisionChoice = "auto",
    threads: int = 1,
    weights_dir: Path,
) -> Engine:
    """Return the engine asked for, or the fastest that this machine has.

    ``auto`` is OpenVINO where it is installed, else torch on the CPU; a GPU is used only when it
    is asked for. The precision ``auto`` is bf16 where the processor computes in it, else fp32.

    Raises: ConfigurationError: the engine is not installed, or cannot run here.
    """
    if choice == "auto":
        choice = "openvino" if find_spec("openvino") is not None else "torch"
    package = "openvino" if choice == "openvino" else "torch"
    if find_spec(package) is None:
        raise ConfigurationError(f"The engine {choice} needs the package {package}.")
    if choice == "torch-cuda":
        chosen = "fp16" if precision == "auto" else precision
    else:
        chosen = _cpu_precision(precision)
    # imported here because a worker shall hold one engine in memory, not two
    if choice == "openvino":
        from workers.engines.openvino_engine import OpenVinoEngine  # noqa: PLC0415

        return OpenVinoEngine(weights_dir, precision=chosen, threads=threads)
    from workers.engines.torch_engine import TorchEngine  # noqa: PLC0415

    device: Literal["cpu", "cuda"] = "cuda" if choice == "torch-cuda" else "cpu"
    return TorchEngine(weights_dir, device=device, precision=chosen, threads=threads)


def _cpu_precision(precision: PrecisionChoice) -> Precision:
    if precision == "fp16":
        raise ConfigurationError("On a CPU the precision is fp32 or bf16.")
    if precision != "auto":
        return precision
    return "bf16" if _BF16_FLAGS & _cpu_flags() else "fp32"


def _cpu_flags(path: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the first processor's flags; none where the system does not tell."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
