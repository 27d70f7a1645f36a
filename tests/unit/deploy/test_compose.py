"""The compose file, as far as it can be judged without Docker."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from deploy import docker_secrets
from deploy.docker_secrets import contents

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_the_compose_file_follows_the_compose_specification():
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*check, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_web_port_is_published_and_only_on_loopback(compose):
    published = {name: s["ports"] for name, s in compose["services"].items() if "ports" in s}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_every_service_is_watched(compose):
    assert [n for n, service in compose["services"].items() if "healthcheck" not in service] == [
        "web"  # its image brings one
    ]
    assert "HEALTHCHECK" in (ROOT / "deploy/docker/web.Dockerfile").read_text()


def test_every_secret_is_a_file_that_is_written_and_used(compose):
    declared = {name: Path(secret["file"]).name for name, secret in compose["secrets"].items()}
    assert declared == {name: name for name in contents()}
    used = [name for s in compose["services"].values() for name in s.get("secrets", [])]
    assert {name if isinstance(name, str) else name["source"] for name in used} == set(declared)


def test_no_secret_stands_in_an_environment(compose):
    for service in compose["services"].values():
        for name in service.get("environment", {}):
            assert (
                name.endswith("_FILE")
                or not name.endswith(("_URL", "_KEY", "PASSWORD"))
                or (name == "VULTUS_BASE_URL")
            )


def test_the_worker_image_holds_every_file_that_comes_with_the_models():
    """Without the cohort of strangers searches go by the nearest face, and trainings fail."""
    lines = (ROOT / "deploy/docker/worker.Dockerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY models_weights")]
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line]
    weights = ROOT / "models_weights"
    fetched = weights / "files"
    for file in (*weights.glob("*.toml"), *weights.glob("*/*")):
        if fetched in file.parents:
            continue
        places = [file.relative_to(ROOT), *file.relative_to(ROOT).parents]
        for patterns in (copied, let_in):
            assert any(place.match(one) for place in places for one in patterns), file


def test_our_images_do_not_run_as_root():
    for dockerfile in (ROOT / "deploy/docker").glob("*.Dockerfile"):
        users = [line for line in dockerfile.read_text().splitlines() if line.startswith("USER")]
        assert users == ["USER vultus"], dockerfile


def test_the_database_password_is_the_one_in_its_address():
    made = contents()
    assert f":{made['postgres_password']}@" in made["database_url"]


def test_each_process_has_the_user_of_redis_that_it_needs(compose):
    made = contents()
    users = {}
    for name, service in compose["services"].items():
        for secret in service.get("secrets", []):
            source, target = (
                (secret, secret)
                if isinstance(secret, str)
                else (secret["source"], secret["target"])
            )
            if target == "redis_url":
                users[name] = urlsplit(made[source]).username
    assert users == {
        "migrate": "web",
        "web": "web",
        "beat": "web",
        "flower": "flower",
        "worker-inference": "worker",
        "worker-io": "worker",
        "worker-training": "worker",
        "worker-webhooks": "worker",
    }


def test_redis_knows_the_digests_of_the_passwords_alone():
    made = contents()
    for name in ("redis_url", "redis_url_web", "redis_url_flower"):
        url = urlsplit(made[name])
        digest = hashlib.sha256(url.password.encode()).hexdigest()
        assert f"user {url.username} reset on #{digest} " in made["redis_conf"]
        assert url.password not in made["redis_conf"]
    assert "user default reset off\n" in made["redis_conf"]


def test_secrets_of_an_earlier_version_get_the_users_of_redis_and_keep_the_rest(
    tmp_path, monkeypatch
):
    folder = tmp_path / "docker"
    monkeypatch.setattr(docker_secrets, "FOLDER", folder)
    docker_secrets.main()
    kept = (folder / "database_url").read_text()
    (folder / "redis_url_web").unlink()
    docker_secrets.main()
    assert (folder / "database_url").read_text() == kept
    url = urlsplit((folder / "redis_url_web").read_text())
    digest = hashlib.sha256(url.password.encode()).hexdigest()
    assert digest in (folder / "redis_conf").read_text()
