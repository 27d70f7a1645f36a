"""Write the secret files of docker-compose.yml, once: `python3 deploy/docker_secrets.py`.

Standard library only, so that a machine with Docker needs nothing else.
"""

from __future__ import annotations

import secrets
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "var" / "docker"


def main() -> None:
    """Write each file, unless they are there: a database keeps its first password."""
    if FOLDER.exists():
        print(f"{FOLDER} is there already; nothing was changed.")
        return
    new = FOLDER.with_name("docker.new")
    new.mkdir(mode=0o700, parents=True)
    for name, content in contents().items():
        file = new / name
        file.write_text(content)
        # The closed folder protects them here; in a container an unprivileged user reads them.
        file.chmod(0o644)
    new.rename(FOLDER)
    print(f"Wrote {FOLDER}.")


def contents() -> dict[str, str]:
    """Choose new passwords and give each secret file's content."""
    postgres, redis = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    settings = {
        "requirepass": redis,
        "dir": "/data",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    return {
        "postgres_password": postgres,
        "database_url": f"postgresql://vultus:{postgres}@postgres:5432/vultus",
        "redis_conf": "".join(f"{name} {value}\n" for name, value in settings.items()),
        "redis_url": f"redis://:{redis}@redis:6379/0",
        "secret_key": secrets.token_urlsafe(32),
        "flower_login": f"vultus:{secrets.token_urlsafe(32)}",
    }


if __name__ == "__main__":
    main()
