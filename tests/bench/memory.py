"""What the inference processes hold, and how long they take to be ready."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.local.waiting import wait_until
from tests.bench.service import moment

if TYPE_CHECKING:
    from tests.bench.service import Service

_PATIENCE_S = 60.0


def resident_mb(service: Service) -> list[float]:
    """Return the resident memory of each inference process, in MB."""
    return [process.memory_info().rss / 1e6 for process in service.inference_processes()]


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of a start."""

    #: The whole stack: servers, migration, web process, workers. Absent where it ran before.
    stack_s: float | None
    #: The inference worker: from its process to the last child with its models loaded.
    worker_s: float
    #: Processor seconds that one of those children had used by then, whatever else the machine did.
    child_cpu_s: float


def start_times(service: Service) -> Start:
    """Wait until every process has its models, which their log tells, and return the times."""
    processes = service.inference_processes()
    begin = min(process.parent().create_time() for process in processes)

    def loaded() -> list[float]:
        lines = [line for line in _log_lines(service) if line.get("action") == "models_loaded"]
        return [at for line in lines if (at := moment(line["time"])) > begin]

    wait_until(lambda: len(loaded()) >= len(processes), _PATIENCE_S, "the models")
    used = max(sum(process.cpu_times()[:2]) for process in processes)
    return Start(service.ready_after_s, max(loaded()) - begin, used)


def _log_lines(service: Service) -> list[dict[str, str]]:
    lines = (service.state.log / "worker-inference.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]
