"""Ask which of the installed packages have known holes: ``python -m deploy.audit``.

The advisories are fetched, so that the answer is today's. Where no service can be reached this says
so and fails; the floors of versions that the suite of tests holds need none.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import click

from deploy.local.paths import DEFAULT_STATE, PROJECT

LOCK = PROJECT / "deploy" / "requirements" / "audit.txt"
#: Asked in this order, until one answers.
SERVICES = ("pypi", "osv")
#: CVE-2024-28219, a buffer overflow.
KNOWN_TO_BE_BAD = "pillow==10.2.0"
_PATIENCE_S = 15


class AuditError(click.ClickException):
    """The audit could not be done, which says nothing of the packages."""

    exit_code = 2


class SilentServiceError(RuntimeError):
    """An advisory service could not be asked; the message says why."""


def make_environment(folder: Path) -> Path:
    """Make an environment of the audit's own, unless it is there; return its Python.

    Raises: AuditError: a package cannot be had.
    """
    python = folder / "bin" / "python"
    stamp = folder / "lock.sha256"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    click.echo(f"Making {folder} ...")
    venv.create(folder, clear=True, with_pip=True)
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    _run([str(python), "-m", "pip", "install", *options, "-r", str(LOCK)])
    stamp.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AuditError(f"The audit's own packages cannot be installed:\n{done.stderr[-2000:]}")


def ask(python: Path, service: str, what: list[str]) -> list[dict[str, Any]]:
    """Return what a service knows of each package that is named by the options ``what``.

    Raises: SilentServiceError: it could not be asked.
    """
    report = python.parents[1] / f"{service}.json"
    report.unlink(missing_ok=True)
    options = ["--format", "json", "--output", str(report), "--timeout", str(_PATIENCE_S)]
    command = [str(python), "-m", "pip_audit", "--progress-spinner", "off", *options]
    done = subprocess.run(
        [*command, "--vulnerability-service", service, *what],
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():  # holes end it with a status too, but with a report
        raise SilentServiceError(
            (done.stderr.strip().splitlines() or ["It answered nothing."])[-1][:300]
        )
    found: list[dict[str, Any]] = json.loads(report.read_text())["dependencies"]
    return found


def require_voice(python: Path, service: str) -> None:
    """Make sure that a service knows holes: a mirror may have the packages and no advisories.

    Raises: SilentServiceError: it does not know a well-known vulnerability.
    """
    question = python.parents[1] / "question.txt"
    question.write_text(f"{KNOWN_TO_BE_BAD}\n")
    answer = ask(python, service, ["--disable-pip", "--no-deps", "--requirement", str(question)])
    if not any(one.get("vulns") for one in answer):
        raise SilentServiceError(f"It knows no vulnerability of {KNOWN_TO_BE_BAD}.")


@click.command()
def main() -> None:
    """Print each known vulnerability; exit with 0 for none, 1 for some, 2 if no service answers."""
    python = make_environment(DEFAULT_STATE / "audit")
    for service in SERVICES:
        try:
            require_voice(python, service)
            answer = ask(python, service, ["--path", sysconfig.get_path("purelib")])
        except SilentServiceError as error:
            click.echo(f"{service} cannot be asked. {error}")
            continue
        sys.exit(_tell(service, answer))
    raise AuditError(
        "No advisory service can be reached, so nothing was audited. "
        "The least versions that `make test` checks hold without one."
    )


def _tell(service: str, answer: list[dict[str, Any]]) -> int:
    holes = [(one, hole) for one in answer for hole in one.get("vulns", ())]
    for one, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no release"
        click.echo(f"{one['name']} {one['version']}: {hole['id']}, fixed in {fixed}")
    for one in answer:
        if "skip_reason" in one:
            click.echo(f"{one['name']}: not audited: {one['skip_reason']}")
    click.echo(f"{service}: {len(answer)} packages, {len(holes)} known vulnerabilities.")
    return 1 if holes else 0


if __name__ == "__main__":
    main()
