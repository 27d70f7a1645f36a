"""Places in the queue for jobs that one process stores at the same time."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator


@dataclass(slots=True)
class Place:
    """What the database has to know of jobs that it cannot see yet, and what it made of it."""

    #: The first turn that no earlier job of this process has.
    earliest: int
    #: Images of earlier jobs that are on their way.
    behind: int
    #: The turn, once the job is stored.
    turn: int | None = None


@dataclass(slots=True)
class _Line:
    #: The turn of its first place, as far as is known.
    start: int = 0
    #: Images with a place in it, and of those the images of jobs that are on their way.
    images: int = 0
    in_flight: int = 0


@dataclass(slots=True)
class Turns:
    """Keeps them apart, since no transaction sees the row of another that has not ended.

    Jobs that came together would all have one turn, and who sends many at once would have so much
    more than his share. While none is on its way, the database knows better, and is left to it.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lines: dict[Hashable, _Line] = field(default_factory=lambda: defaultdict(_Line))

    @contextmanager
    def place(self, whose: Hashable, images: int) -> Iterator[Place]:
        """Hold a place in somebody's line until the block ends, when the job is committed."""
        with self._lock:
            line = self._lines[whose]
            before = line.images
            place = Place(earliest=line.start + before, behind=line.in_flight)
            line.images += images
            line.in_flight += images
        try:
            yield place
        finally:
            with self._lock:
                line.in_flight -= images
                if place.turn is not None:
                    line.start = max(line.start, place.turn - before)
                if line.in_flight == 0:
                    del self._lines[whose]
