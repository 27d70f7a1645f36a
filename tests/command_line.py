"""The command line as `python -m app.cli` runs it, without the second that its imports take.

A process imports it once and is forked for each command. The parent is the one that has a standard
input; it takes orders there, one JSON document a line, and answers each with an exit status.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path

from deploy.local.paths import PROJECT
from deploy.local.supervision import ending_with_this_process


class CommandLine:
    """Runs commands, one after the other."""

    def __init__(self, process):
        self._process = process

    def run(self, *words, environment=None, check=True):
        """Run a command and return it completed, its output as text.

        It has the environment of this process unless it is given one.

        Raises: subprocess.CalledProcessError: it failed, unless ``check`` is off.
        """
        arguments = [str(word) for word in words]
        with tempfile.TemporaryDirectory() as folder:
            files = [str(Path(folder) / name) for name in ("stdout", "stderr")]
            order = {
                "arguments": arguments,
                "environment": environment or dict(os.environ),
                "files": files,
            }
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            output, errors = (Path(file).read_text() for file in files)
        done = subprocess.CompletedProcess(["app.cli", *arguments], status, output, errors)
        if check:
            done.check_returncode()
        return done


@contextmanager
def running():
    """Start the process that is forked for each command; it ends with the block."""
    command = [*ending_with_this_process(), sys.executable, "-m", "tests.command_line"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        yield CommandLine(process)
        process.stdin.close()


def _serve():
    import app.cli.main  # noqa: F401, PLC0415 - what this process is for

    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(**order)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(arguments, environment, files):
    """Run the command and end, as a process does that was started for it."""
    for descriptor, file in ((0, os.devnull), *enumerate(files, start=1)):
        opened = os.open(file, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    status = 1
    try:
        runpy.run_module("app.cli", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:  # noqa: BLE001 - told as Python tells it at the end of a process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
