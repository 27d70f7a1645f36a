"""Write the secret files of docker-compose.yml, once: `python3 -m deploy.docker_secrets`.

Standard library only, so that a machine with Docker needs nothing else.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from deploy.redis_users import RedisPasswords, RedisUser

FOLDER = Path(__file__).resolve().parents[1] / "var" / "docker"


def main() -> None:
    """Write each file, unless they are there: a database keeps its first password.

    Those of Redis are replaced where it had one user for all, since it keeps no password.
    """
    if not FOLDER.exists():
        new = FOLDER.with_name("docker.new")
        new.mkdir(mode=0o700, parents=True)
        write(new, contents())
        new.rename(FOLDER)
        print(f"Wrote {FOLDER}.")
    elif not (FOLDER / "redis_url_web").exists():
        write(FOLDER, broker_contents())
        print(f"Gave Redis a user for each kind of process, in {FOLDER}.")
    else:
        print(f"{FOLDER} is there already; nothing was changed.")


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files into the closed folder; in a container an unprivileged user reads them."""
    for name, content in files.items():
        file = folder / name
        file.write_text(content)
        file.chmod(0o644)


def contents() -> dict[str, str]:
    """Choose new passwords and give each secret file's content."""
    postgres = secrets.token_urlsafe(32)
    return {
        "postgres_password": postgres,
        "database_url": f"postgresql://vultus:{postgres}@postgres:5432/vultus",
        "secret_key": secrets.token_urlsafe(32),
        "flower_login": f"vultus:{secrets.token_urlsafe(32)}",
        **broker_contents(),
    }


def broker_contents() -> dict[str, str]:
    """Choose new passwords for Redis, and give its settings and each user's URL."""
    passwords = RedisPasswords(secrets.token_urlsafe(32))
    settings = {
        "dir": "/data",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    lines = [f"{name} {value}" for name, value in settings.items()] + passwords.settings()
    users = {"redis_url": RedisUser.WORKER, "redis_url_web": RedisUser.WEB}
    users["redis_url_flower"] = RedisUser.FLOWER
    return {
        "redis_conf": "\n".join(lines) + "\n",
        **{name: passwords.url(user, "redis:6379/0") for name, user in users.items()},
    }


if __name__ == "__main__":
    main()
