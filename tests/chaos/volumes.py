"""Folders on file systems of their own, which can be made full and given room again."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

#: More than any run stores; memory is used for what is stored alone.
_ROOM_BYTES = 2 * 2**30
_MIB = 2**20

#: The name of each, which ends with the process that mounts it.
_NAME = "vultus-chaos-"


class Volumes:
    """A stack's three places: its tables, the database's log, and what its processes write.

    Where file systems cannot be mounted they are plain folders, which nobody can fill.
    """

    def __init__(self, folder: Path) -> None:
        _unmount_orphans()
        self.tables, self.wal, self.own = (folder / name for name in ("tables", "wal", "own"))
        self._mounted: list[Path] = []
        for place in (self.tables, self.wal, self.own):
            place.mkdir(parents=True)
            options = f"size={_ROOM_BYTES},mode=755"
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, f"{_NAME}{os.getpid()}", place],
                capture_output=True,
                check=False,
            )
            if done.returncode == 0:
                self._mounted.append(place)

    def close(self) -> None:
        """Unmount them, though some process may still have a file open."""
        for place in self._mounted:
            subprocess.run(["umount", "--lazy", place], check=True)

    @property
    def can_be_full(self) -> bool:
        return bool(self._mounted)

    def need(self) -> None:
        """Skip the test where file systems cannot be mounted."""
        if not self.can_be_full:
            pytest.skip("a full disk needs the right to mount a file system: run it as root")

    @contextmanager
    def full(self, place: Path, *, but_mb: float = 0):
        """Leave no room in a place, or that much, for the length of the block."""
        tries = range(100)  # in vain, where something was written between the look and the change
        assert any(
            _resize(place, shutil.disk_usage(place).used + int(but_mb * _MIB)) for _ in tries
        )
        try:
            yield
        finally:
            assert _resize(place, _ROOM_BYTES)


def _resize(place: Path, size: int) -> bool:
    """Change the size of a file system; `False` where more is in it."""
    page = os.sysconf("SC_PAGE_SIZE")
    options = f"remount,size={-(-size // page) * page}"
    done = subprocess.run(["mount", "-o", options, place], capture_output=True, check=False)
    return done.returncode == 0


def _unmount_orphans() -> None:
    """Unmount what a run has left that was killed: its memory would stay in use."""
    for line in Path("/proc/mounts").read_text().splitlines():
        name, place, *_ = line.split()
        if name.startswith(_NAME) and not psutil.pid_exists(int(name.removeprefix(_NAME))):
            subprocess.run(["umount", "--lazy", place], check=False)
