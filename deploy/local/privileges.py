"""Running the embedded servers without root's powers, wherever the project lies."""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED_USER = "nobody"
# Positions in a capability mask: include/uapi/linux/capability.h.
_TRAVERSAL_CAPABILITIES = (("dac_read_search", 2), ("dac_override", 1))


class TraversalError(RuntimeError):
    """Move the project out of folders that others cannot enter, or run it as an ordinary user."""


@dataclass(frozen=True)
class Runner:
    """How a server's command is started: as this user, or as an unprivileged one if this is root.

    `prefix` goes before the command; `owner` is the (uid, gid) that its files must belong to.
    """

    prefix: tuple[str, ...]
    owner: tuple[int, int]

    def hand_over(self, path: Path) -> None:
        """Make `path` belong to the user that the server runs as."""
        os.chown(path, *self.owner)


def runner_for(*paths: Path) -> Runner:
    """Choose the user that can run or own `paths` (binaries, data folders).

    Postgres refuses to run as root, and root's projects often lie under a folder that no one else
    may enter. Opening that folder to everyone is not ours to do, so the server keeps a single
    capability, the right to pass through and read, and nothing else of root.

    Raises: TraversalError: root was given so few capabilities that none can do this.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise TraversalError("The command setpriv is missing. Install the package util-linux.")
    end_with_parent = (setpriv, "--pdeathsig", "INT")
    if os.geteuid() != 0:
        return Runner(prefix=end_with_parent, owner=(os.geteuid(), os.getegid()))
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    capabilities = "-all"
    securebits: tuple[str, ...] = ()
    if not all(_may_enter(path, user.pw_uid) for path in paths):
        capabilities = f"-all,+{_traversal_capability()}"
        # Without this bit access(2), by which Postgres looks for its own binary, ignores the
        # capabilities of a user that is not root.
        securebits = ("--securebits", "+no_setuid_fixup")
    prefix = (
        *end_with_parent,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--no-new-privs",
        *securebits,
        f"--inh-caps={capabilities}",
        f"--ambient-caps={capabilities}",
        f"--bounding-set={capabilities}",
    )
    return Runner(prefix=prefix, owner=(user.pw_uid, user.pw_gid))


def _may_enter(path: Path, uid: int) -> bool:
    parents = [parent.stat() for parent in path.resolve().parents]
    return all(p.st_mode & (0o100 if p.st_uid == uid else 0o001) for p in parents)


def _traversal_capability() -> str:
    status = Path("/proc/self/status").read_text()
    permitted = int(status.partition("CapPrm:")[2].split()[0], 16)
    for name, bit in _TRAVERSAL_CAPABILITIES:
        if permitted & 1 << bit:
            return name
    raise TraversalError(
        "This root cannot enter other users' folders, so the database cannot run as "
        f"{UNPRIVILEGED_USER}. Move the project to a folder that all users can enter, such as /srv."
    )
