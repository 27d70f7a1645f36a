from __future__ import annotations

from deploy.local import private_files


def test_a_file_is_readable_by_its_owner_only_even_where_it_was_open_before(tmp_path):
    file = tmp_path / "access.json"
    file.write_text("{}")
    file.chmod(0o644)
    private_files.write(file, {"admin_key": "a secret"})
    assert file.stat().st_mode & 0o777 == 0o600
    assert private_files.read(file) == {"admin_key": "a secret"}


def test_a_missing_file_reads_as_empty(tmp_path):
    assert private_files.read(tmp_path / "none.json") == {}


def test_secrets_are_long_differ_and_stay(tmp_path):
    file = tmp_path / "secrets.json"
    first = private_files.kept_secrets(file, ["a", "b"])
    assert len({*first.values()}) == 2
    assert min(map(len, first.values())) >= 40
    later = private_files.kept_secrets(file, ["a", "b", "c"])
    assert first.items() <= later.items()
    assert private_files.read(file) == later
