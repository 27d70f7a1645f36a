from __future__ import annotations

import faulthandler
import signal
import subprocess
import sys

import pytest

from tasks.process.limits import patience


def _run(code):
    """Run code in a process of its own, which it may end."""
    command = [sys.executable, "-c", f"from tasks.process.limits import *\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_what_takes_too_long_is_interrupted(monkeypatch):
    # The end of the process comes a moment later, which a busy machine may need for the interrupt.
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda *_, **__: None)
    with pytest.raises(TimeoutError), patience(0.2):
        signal.pause()


def test_what_is_quick_is_not_interrupted():
    with patience(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_cannot_be_interrupted_ends_the_process_and_says_where_it_was():
    blocked = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})"
    ended = _run(f"{blocked}\nwith patience(0.2):\n    signal.sigwait({{signal.SIGUSR1}})")
    assert ended.returncode == 1
    assert "most recent call first" in ended.stderr


def test_memory_beyond_the_limit_is_an_error_of_the_one_who_asks():
    ended = _run(
        "limit_memory(512)\n"
        "try:\n    bytearray(600 * 2**20)\nexcept MemoryError:\n    print('refused')\n"
        "bytearray(2**20)"
    )
    assert (ended.returncode, ended.stdout) == (0, "refused\n"), ended.stderr
