"""Make `.venv` hold exactly what the lock file says: `python3 deploy/environment.py`.

It runs on the system's own Python, before anything is installed: standard library only. Done once,
it costs nothing until the lock changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "lock.sha256"
LOG = ROOT / "var" / "log" / "setup.log"
LOCK = ROOT / "deploy" / "requirements" / "dev.txt"
TORCH = ROOT / "deploy" / "requirements" / "torch.in"
OLDEST = (3, 11)
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"


class SetupError(RuntimeError):
    """The environment could not be made; the message says what to do."""


def main() -> None:
    """Make or mend the environment, and say what takes time."""
    if sys.version_info < OLDEST:
        raise SetupError(
            f"Vultus needs Python 3.11 or newer, and this is {sys.version.split()[0]}. Install one "
            "and name it, for example `make PYTHON=python3.12 setup`."
        )
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    begin = time.monotonic()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    make_venv()
    install_torch()
    show("Installing the locked packages ...")
    pip("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))
    STAMP.write_text(wanted)
    show(f"The environment is ready: {VENV} ({time.monotonic() - begin:.0f} s).")


def fingerprint() -> str:
    """Name the state that `.venv` must be in: the locks, the Python and the place."""
    parts = [LOCK.read_bytes(), TORCH.read_bytes(), sys.version.encode(), str(VENV).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make_venv() -> None:
    """Make a new `.venv`.

    Raises: SetupError: Debian and Ubuntu keep a part of `venv` in a package of its own.
    """
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(
            f"This Python cannot create environments. Run `apt-get install {package}`."
        )
    show(f"Making {VENV} with Python {sys.version.split()[0]} ...")
    shutil.rmtree(VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(VENV)])


def install_torch() -> None:
    """Install the CPU build where it can be had, which is a tenth of the default one's size."""
    name, version = TORCH.read_text().split()[-1].split("==")
    cpu_build = f"{name}=={version}+cpu"
    show(f"Installing {cpu_build} (about 200 MB) ...")
    attempts = (
        ("--no-deps", cpu_build),
        ("--no-deps", "--retries", "1", "--extra-index-url", CPU_BUILDS, cpu_build),
    )
    for arguments in attempts:
        try:
            pip(*arguments)
        except SetupError:
            continue
        return
    show(f"No CPU build is available. Installing the default {name}=={version} (several GB) ...")
    pip(f"{name}=={version}")


def pip(*arguments: str) -> None:
    """Run `pip install` in the new environment."""
    run([str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input", *arguments])


def run(command: list[str]) -> None:
    """Run a long step, its output in the log, a sign of life every ten seconds.

    Raises: SetupError: it failed; the message holds the end of its output.
    """
    with LOG.open("a+") as log:
        begin = log.tell()
        step = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        waited = 0
        while True:
            try:
                step.wait(timeout=10)
                break
            except subprocess.TimeoutExpired:
                waited += 10
                lines = LOG.read_text(errors="replace").splitlines()
                show(f"  {waited} s: {lines[-1][:100] if lines else '...'}")
        if step.returncode:
            log.seek(begin)
            raise SetupError(f"{' '.join(command)} failed:\n{log.read()[-3000:]}")


def show(line: str) -> None:
    """Print a line of progress at once."""
    print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"The set-up failed. {error}")
