"""Networks run by OpenVINO on the CPU."""

from pathlib import Path

import numpy as np
import openvino
from jaxtyping import Float32
from openvino import properties
from openvino.properties import hint

from workers.engines.batching import Outputs, run_in_batches
from workers.engines.int8 import largest_inputs, quantise
from workers.engines.openvino_files import read_openvino_files
from workers.engines.ports import Precision
from workers.manifest import read_manifest

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
        self._core = openvino.Core()
        self.precision: Precision = precision
        self.sifts = sifts and precision != "fp32"
        self._int8 = int8
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
        """Compile a network once for each batch size."""
        model = self._read(weights_id)
        if self._int8 and precision is None:
            quantise(model, largest_inputs(self._weights_dir, weights_id))
        options = self._options | {hint.inference_precision: _TYPES[precision or self.precision]}
        compiled = {}
        for size in batch_sizes:
            channels = model.input().partial_shape[3]
            model.reshape(openvino.PartialShape([size, side, side, channels]))
            compiled[size] = self._core.compile_model(model, "CPU", options)
        network = OpenVinoNetwork(compiled)
        network.warm_up()
        return network

    def _read(self, weights_id: str) -> openvino.Model:
        entry = read_manifest(self._weights_dir).entry(weights_id)
        graph, constants = read_openvino_files(self._weights_dir, entry)
        tensor = openvino.Tensor(np.frombuffer(constants, np.uint8))
        return self._core.read_model(graph.decode(), tensor)


class OpenVinoNetwork:
    """One network, compiled for a few batch sizes."""

    def __init__(self, compiled: dict[int, openvino.CompiledModel]) -> None:
        self._requests = {size: model.create_infer_request() for size, model in compiled.items()}
        self._batch_sizes = tuple(sorted(compiled))

    def warm_up(self) -> None:
        """Run every size once, so that the first caller does not pay for memory and kernels."""
        for request in self._requests.values():
            request.infer()

    def __call__(self, batch: Float32[np.ndarray, "n side side channels"]) -> Outputs:
        """Run the batch, cut to the compiled sizes."""
        return run_in_batches(self._run, batch, self._batch_sizes)

    def _run(self, batch: Float32[np.ndarray, "b side side channels"]) -> Outputs:
        request = self._requests[len(batch)]
        found = request.infer(np.ascontiguousarray(batch), share_inputs=True, share_outputs=True)
        return tuple(found.values())
