"""What scanners need is fetched by its hashes, packed in the same bytes, and then there."""

import hashlib
import io
import zipfile
from pathlib import Path

import pulumi
import pytest

from packs import __main__ as command
from packs import platforms, store
from packs.platforms import of_builds, of_this_machine
from packs.store import PackError
from tests.support.recording import gate

WHEEL = "tiny-1.0-py3-none-any.whl"


def tiny_wheel(code: str = "def main(): pass\n") -> bytes:
    """A package with one module and a script."""
    body, info = io.BytesIO(), "tiny-1.0.dist-info"
    files = {
        "tiny.py": code,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
    }
    with zipfile.ZipFile(body, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
        wheel.writestr(f"{info}/RECORD", record)
    return body.getvalue()


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder of wheels in place of the package index, and an empty store."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / WHEEL).write_bytes(tiny_wheel())
    config = tmp_path / "uv.toml"
    config.write_text(f"no-index = true\nfind-links = ['{folder}']\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(config))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(store, "FOLDER", tmp_path / "store")
    return folder


@pytest.fixture
def lock(tmp_path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(tiny_wheel()).hexdigest()}\n")
    return path


@pytest.mark.parametrize("platform", [of_builds("arm64"), of_this_machine()])
def test_a_pack_has_the_packages_of_the_lock_and_nothing_of_this_machine(index, lock, platform):
    path = store.make("tiny", lock, platform)

    with zipfile.ZipFile(path) as pack:
        names = pack.namelist()
    assert names == sorted(names)
    assert set(names) == {
        "python/tiny.py",
        "python/tiny-1.0.dist-info/METADATA",
        "python/tiny-1.0.dist-info/WHEEL",
        "python/tiny-1.0.dist-info/entry_points.txt",
    }
    assert store.stored("tiny", lock, platform) == path


def test_packed_again_it_has_the_same_bytes(index, lock):
    first = store.make("tiny", lock, of_builds("x86_64"))
    before = first.read_bytes()
    first.unlink()

    assert store.make("tiny", lock, of_builds("x86_64")).read_bytes() == before


def test_a_package_with_another_hash_is_refused(index, lock):
    (index / WHEEL).write_bytes(tiny_wheel("import os\n"))

    with pytest.raises(PackError, match=r"could not be fetched: .*[Hh]ash"):
        store.make("tiny", lock, of_builds("x86_64"))
    assert [path.name for path in store.FOLDER.iterdir()] == []


def test_a_package_without_a_wheel_for_the_platform_is_refused(index, lock):
    (index / WHEEL).rename(index / "tiny-1.0-cp314-cp314-manylinux_2_34_x86_64.whl")

    with pytest.raises(PackError, match="could not be fetched"):
        store.make("tiny", lock, of_builds("arm64"))


def test_a_lock_without_hashes_is_refused(index, lock):
    lock.write_text("tiny==1.0\n")

    with pytest.raises(PackError, match="could not be fetched"):
        store.make("tiny", lock, of_builds("x86_64"))


def test_another_lock_is_another_pack(index, lock):
    before = store.path_of("tiny", lock, of_builds("x86_64"))
    lock.write_text(lock.read_text() + "# changed\n")

    assert store.path_of("tiny", lock, of_builds("x86_64")) != before


def test_programs_stay_executable_and_scripts_are_left_out(tmp_path):
    programs = tmp_path / "content" / "python" / "bin"
    programs.mkdir(parents=True)
    for name, content in (("tool", b"\x7fELF"), ("script", b"#!/usr/bin/python3\n")):
        (programs / name).write_bytes(content)
        (programs / name).chmod(0o755)
    store.write(tmp_path / "content", tmp_path / "pack.zip")

    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        [entry] = pack.infolist()
    assert (entry.filename, entry.external_attr >> 16) == ("python/bin/tool", 0o755)


def test_of_aws_services_only_s3_is_packed(tmp_path):
    for name in ("s3/2006-03-01/a.json", "ec2/2016-11-15/a.json", "endpoints.json"):
        path = tmp_path / "content" / "python" / "botocore" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    store.write(tmp_path / "content", tmp_path / "pack.zip")

    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        assert {name.removeprefix("python/botocore/data/") for name in pack.namelist()} == {
            "s3/2006-03-01/a.json",
            "endpoints.json",
        }


def test_what_the_stacks_name_is_needed(tmp_path):
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  chatops-slack:scanners: [bandit, custom]\n  chatops-slack:architecture: arm64\n"
    )
    (tmp_path / "Pulumi.bad.yaml").write_text("config:\n  chatops-slack:scanners: bandit\n")
    needed = command.needed(tmp_path)

    arm = [pack.name for pack in needed if pack.platform == of_builds("arm64")]
    assert arm == ["scan", "bandit"]
    assert {pack.name for pack in needed if pack.platform == of_this_machine()} == {
        "scan",
        *command.DEFAULT,
    }
    assert all(pack.lock.is_file() for pack in needed)


def test_the_command_says_what_it_cannot_fetch(index, monkeypatch, capsys):
    assert command.main(["bandit"]) == 1
    assert "could not be fetched" in capsys.readouterr().err
    assert command.main(["lint"]) == 2
    assert "There is nothing to fetch for lint." in capsys.readouterr().err


def test_a_program_whose_packs_are_missing_says_how_to_fetch_them(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "FOLDER", tmp_path)

    with pytest.raises(pulumi.RunError, match="Run `make setup`, or: python -m packs scan"):
        gate()


def test_builds_of_the_local_account_run_on_this_machine(monkeypatch):
    monkeypatch.setenv(platforms.LOCAL, "1")

    assert of_builds("arm64") == of_this_machine()
