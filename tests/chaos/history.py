"""What happened in a run, event by event, written by several processes into one file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path


class History:
    """Lines of JSON; each is appended in one write, so that no kill leaves half of one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, event: str, **facts) -> None:
        """Append an event with the time on both clocks."""
        facts |= {"event": event, "at": time.monotonic(), "wall": time.time(), "pid": os.getpid()}
        line = json.dumps(facts).encode() + b"\n"
        target = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(target, line)
        finally:
            os.close(target)

    def events(self, kind: str) -> list[dict]:
        """Return the events of a kind in the order in which they were written."""
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def next(self, kind: str, since: float, **facts) -> dict | None:
        """Return the first event of a kind after a moment that agrees with the facts."""
        for event in self.events(kind):
            if event["at"] > since and facts.items() <= event.items():
                return event
        return None
