"""The first key, and the file that shows scripts how to use the running service."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from deploy.local import private_files
from deploy.local.paths import PROJECT
from deploy.local.stack import FLOWER_USER

if TYPE_CHECKING:
    from deploy.local.stack import Stack


class KeyCreationError(RuntimeError):
    """The command line could not make a key; the message holds its words."""


def write_access(stack: Stack) -> dict[str, str]:
    """Write and return the addresses and an admin key: the known one if it is still good."""
    known = private_files.read(stack.state.access).get("admin_key")
    access = {
        "base_url": stack.base_url,
        "admin_key": known if known and _is_good(stack, known) else _new_key(stack),
        "flower_url": stack.flower_url,
        "flower_user": FLOWER_USER,
        "flower_password": stack.secrets["flower"],
    }
    if stack.redis:
        access["redis_operator_url"] = stack.redis.url()
    private_files.write(stack.state.access, access)
    return access


def _is_good(stack: Stack, key: str) -> bool:
    answer = httpx.get(f"{stack.base_url}/v1/collections", headers={"x-api-key": key}, timeout=10)
    return answer.is_success


def _new_key(stack: Stack) -> str:
    options = ("--name", "first", "--scope", "admin")
    made = subprocess.run(
        [sys.executable, "-m", "app.cli", "keys", "create", *options],
        cwd=PROJECT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise KeyCreationError(f"The key could not be created:\n{made.stderr[-3000:]}")
    return made.stdout.strip()
