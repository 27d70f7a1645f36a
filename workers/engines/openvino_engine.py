"""Networks run by OpenVINO on the CPU."""

import threading
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import openvino
from jaxtyping import Float32
from openvino import properties
from openvino.properties import hint

from app.catalogue.manifest import read_manifest
from workers.engines.batching import Outputs, run_in_batches
from workers.engines.int8 import largest_inputs, quantise
from workers.engines.openvino_files import read_openvino_files
from workers.engines.ports import Precision

_TYPES = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16, "fp16": openvino.Type.f16}


class OpenVinoEngine:
    """Runs networks in one stream of a fixed number of threads."""

    def __init__(
        self,
        weights_dir: Path,
        *,
        precision: Precision = "fp32",
        int8: bool = False,
        sifts: bool = True,
        threads: int = 1,
    ) -> None:
        """With ``int8``, networks run in it where ``int8.toml`` says, else in ``precision``.

        ``sifts`` tells whether a processor that has ``precision`` is several times faster in it.
        """
        self._weights_dir = weights_dir
        self.precision: Precision = precision
        self.sifts = sifts and precision != "fp32"
        self._int8 = int8
        self._put_off: deque[Callable[[], None]] = deque()
        self._finishing = threading.Lock()
        self._options = {
            hint.performance_mode: hint.PerformanceMode.LATENCY,
            properties.inference_num_threads: threads,
            properties.streams.num: 1,
        }
        self.name = f"openvino-{precision}" + "-int8" * int8

    def load(
        self,
        weights_id: str,
        *,
        side: int,
        batch_sizes: tuple[int, ...],
        precision: Precision | None = None,
    ) -> "OpenVinoNetwork":
        """Compile a network for its smallest batches; ``finish`` compiles it for the others."""
        model = self._read(weights_id)
        if self._int8 and precision is None:
            quantise(model, largest_inputs(self._weights_dir, weights_id))
        options = self._options | {hint.inference_precision: _TYPES[precision or self.precision]}
        network = OpenVinoNetwork()

        def compile_for(size: int) -> None:
            channels = model.input().partial_shape[3]
            model.reshape(openvino.PartialShape([size, side, side, channels]))
            network.add(size, _core().compile_model(model, "CPU", options))

        compile_for(batch_sizes[0])
        self._put_off += [partial(compile_for, size) for size in batch_sizes[1:]]
        return network

    def finish(self) -> None:
        """Compile every network for the batch sizes that are missing."""
        with self._finishing:  # a model may be loaded while another thread is still at it
            while self._put_off:
                self._put_off.popleft()()

    def _read(self, weights_id: str) -> openvino.Model:
        entry = read_manifest(self._weights_dir).entry(weights_id)
        graph, constants = read_openvino_files(self._weights_dir, entry)
        tensor = openvino.Tensor(np.frombuffer(constants, np.uint8))
        return _core().read_model(graph.decode(), tensor)


@cache
def _core() -> openvino.Core:
    """Give the one of this process, which never goes.

    Its CPU plugin gives the thread that makes it another stack for signals. Of two that do not end
    in the reverse order of their beginning, the later leaves the thread with a stack that is
    unmapped: the next signal ends the process.
    """
    return openvino.Core()


class OpenVinoNetwork:
    """One network, compiled for a few batch sizes."""

    def __init__(self) -> None:
        self._requests: dict[int, openvino.InferRequest] = {}
        self._batch_sizes: tuple[int, ...] = ()

    def add(self, size: int, compiled: openvino.CompiledModel) -> None:
        """Run batches of a further size too, larger than the others.

        They are run once here, so that the first caller does not pay for memory and kernels.
        """
        request = compiled.create_infer_request()
        request.infer()
        self._requests[size] = request
        self._batch_sizes += (size,)

    def __call__(self, batch: Float32[np.ndarray, "n side side channels"]) -> Outputs:
        """Run the batch, cut to the compiled sizes."""
        return run_in_batches(self._run, batch, self._batch_sizes)

    def _run(self, batch: Float32[np.ndarray, "b side side channels"]) -> Outputs:
        request = self._requests[len(batch)]
        found = request.infer(np.ascontiguousarray(batch), share_inputs=True, share_outputs=True)
        return tuple(found.values())
