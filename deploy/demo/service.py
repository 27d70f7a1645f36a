"""A stack of the demonstration's own, beside one that may already run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy.demo.client import DemoError
from deploy.local.paths import PROJECT
from deploy.local.supervision import ending_with_this_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

# Its webhooks go to a receiver on this machine, which the service refuses by default.
_SETTINGS = {
    "VULTUS_WEBHOOK_ALLOW_HTTP": "true",
    "VULTUS_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
}


@contextmanager
def running_service(state: Path) -> Iterator[dict[str, str]]:
    """Run `up` on a state folder and give what is in its access.json; stop it at the end.

    Raises: DemoError: it ended before it was ready.
    """
    command = [sys.executable, "-m", "deploy.local", "up", "--state", str(state)]
    process = subprocess.Popen(
        [*ending_with_this_process(), *command],
        cwd=PROJECT,
        env={**os.environ, **_SETTINGS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    output = process.stdout
    if output is None:
        raise DemoError("The service's output could not be read.")
    drain = threading.Thread(target=output.read, daemon=True)
    try:
        _show_until_ready(output)
        drain.start()
        yield json.loads((state / "access.json").read_text())
    finally:
        process.terminate()
        process.wait()
        if drain.is_alive():
            drain.join()
        output.close()


def _show_until_ready(output: IO[str]) -> None:
    for line in output:
        if line.strip() == "Ready.":
            return
        if line.strip():
            sys.stdout.write(f"  {line}")
            sys.stdout.flush()
    raise DemoError("The service did not become ready. Its output is above.")
