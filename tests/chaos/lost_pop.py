"""A crash in the moment when a message is in no list: popped, and not yet unacknowledged."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from kombu.transport.redis import QoS


def crash_when_asked(request: Path) -> None:
    """End this process at its next message of a job while the file exists; remove the file."""
    append = QoS.append

    def append_or_crash(qos, message, delivery_tag):
        if request.exists() and "sweep" not in message.headers["task"]:
            request.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        append(qos, message, delivery_tag)

    QoS.append = append_or_crash
