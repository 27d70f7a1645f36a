"""Small JSON files that only their owner may read."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read(file: Path) -> dict[str, Any]:
    """Return the content, or an empty dictionary if there is no such file."""
    if not file.exists():
        return {}
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def write(file: Path, content: dict[str, Any]) -> None:
    """Put the content in place of what was there, in one step and never readable by others."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


def kept_secrets(file: Path, names: Iterable[str]) -> dict[str, str]:
    """Return a long random secret for each name: those of the file, and new ones for the rest."""
    known = read(file)
    missing = {name: secrets.token_urlsafe(32) for name in names if name not in known}
    if missing:
        write(file, known | missing)
    return {**known, **missing}
