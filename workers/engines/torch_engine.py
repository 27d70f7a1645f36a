"""Networks run by torch, on the CPU or on one CUDA device."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from app.domain.errors import ConfigurationError
from workers.engines.batching import Outputs, run_in_batches
from workers.engines.ports import Precision
from workers.engines.torch_modules import load_module

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchEngine:
    """Runs networks eagerly, channels last.

    Build it in the process that uses it: a process forked from one that ran torch may hang, and
    a CUDA context does not survive a fork.
    """

    def __init__(
        self,
        weights_dir: Path,
        *,
        device: Literal["cpu", "cuda"] = "cpu",
        precision: Precision = "fp32",
        threads: int = 1,
    ) -> None:
        if device != "cpu" and not torch.cuda.is_available():
            raise ConfigurationError(
                "The device is cuda, but torch finds none. Choose cpu or auto."
            )
        if device == "cpu" and precision == "fp16":
            raise ConfigurationError(
                "The precision fp16 does not run on a CPU. Choose fp32 or bf16."
            )
        torch.set_num_threads(threads)
        self._weights_dir = weights_dir
        self._device = torch.device(device)
        self.precision: Precision = precision
        self.sifts = precision != "fp32"
        self.name = f"torch-{precision}" if device == "cpu" else f"torch-cuda-{precision}"

    def load(
        self,
        weights_id: str,
        *,
        side: int,  # noqa: ARG002 (torch takes inputs as they come)
        batch_sizes: tuple[int, ...],
        precision: Precision | None = None,
    ) -> "TorchNetwork":
        """Move a network to the device."""
        dtype = _DTYPES[precision or self.precision]
        module = load_module(self._weights_dir, weights_id)
        module = module.to(self._device, dtype)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it
        return TorchNetwork(module, self._device, dtype, batch_sizes)

    def finish(self) -> None:
        """Do nothing: a network that is loaded takes every batch size."""


class TorchNetwork:
    """One network on one device."""

    def __init__(
        self,
        module: nn.Module,
        device: torch.device,
        dtype: torch.dtype,
        batch_sizes: tuple[int, ...],
    ) -> None:
        self._module = module
        self._device = device
        self._dtype = dtype
        self._batch_sizes = batch_sizes

    def __call__(self, batch: Float32[np.ndarray, "n side side channels"]) -> Outputs:
        """Run the batch; where the device's memory is short, go on in smaller batches."""
        while True:
            try:
                return run_in_batches(self._run, batch, self._batch_sizes)
            except torch.OutOfMemoryError:
                if len(self._batch_sizes) == 1 and self._batch_sizes[0] == 1:
                    raise
                self._batch_sizes = self._batch_sizes[:-1] or (self._batch_sizes[0] // 2,)
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _run(self, batch: Float32[np.ndarray, "b side side channels"]) -> Outputs:
        inputs = torch.from_numpy(batch).to(self._device, self._dtype)
        return tuple(output.float().cpu().numpy() for output in self._module(inputs))
