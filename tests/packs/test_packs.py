"""What scanners need is fetched by its hashes, packed in the same bytes, and then there."""

import datetime
import hashlib
import io
import os
import zipfile
from pathlib import Path

import pulumi
import pytest

import scan.packs
from packs import __main__ as command
from packs import store
from packs.errors import PackError
from packs.platforms import Platform, builds_run_here, of_builds, of_this_machine
from packs.store import Pack
from tests.scan.scanning import custom, scanned
from tests.scan.uploads import GOOD, zipped
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
    path = tmp_path / "recipe" / "requirements.txt"
    path.parent.mkdir()
    path.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(tiny_wheel()).hexdigest()}\n")
    return path


def tiny(lock: Path, platform: Platform | None = None) -> Pack:
    return Pack("tiny", platform or of_builds("x86_64"), lock.parent)


@pytest.mark.parametrize("platform", [of_builds("arm64"), of_this_machine()])
def test_a_pack_has_the_packages_of_the_lock_and_nothing_of_this_machine(index, lock, platform):
    path = tiny(lock, platform).make()

    with zipfile.ZipFile(path) as pack:
        names = pack.namelist()
    assert names == sorted(names)
    assert set(names) == {
        "python/tiny.py",
        "python/tiny-1.0.dist-info/METADATA",
        "python/tiny-1.0.dist-info/WHEEL",
        "python/tiny-1.0.dist-info/entry_points.txt",
    }
    assert tiny(lock, platform).stored() == path


def test_packed_again_it_has_the_same_bytes(index, lock):
    first = tiny(lock).make()
    before = first.read_bytes()
    first.unlink()

    assert tiny(lock).make().read_bytes() == before


def test_a_package_with_another_hash_is_refused(index, lock):
    (index / WHEEL).write_bytes(tiny_wheel("import os\n"))

    with pytest.raises(PackError, match=r"could not be fetched: .*[Hh]ash"):
        tiny(lock).make()
    assert [path.name for path in store.FOLDER.iterdir()] == []


def test_a_package_without_a_wheel_for_the_platform_is_refused(index, lock):
    (index / WHEEL).rename(index / "tiny-1.0-cp314-cp314-manylinux_2_34_x86_64.whl")

    with pytest.raises(PackError, match="could not be fetched"):
        tiny(lock, of_builds("arm64")).make()


def test_a_lock_without_hashes_is_refused(index, lock):
    lock.write_text("tiny==1.0\n")

    with pytest.raises(PackError, match="could not be fetched"):
        tiny(lock).make()


def test_another_lock_is_another_pack(index, lock):
    before = tiny(lock).path
    lock.write_text(lock.read_text() + "# changed\n")

    assert tiny(lock).path != before


def test_what_nothing_has_used_for_a_month_is_removed(index, lock):
    used, unused = tiny(lock).make(), tiny(lock, of_this_machine()).make()
    for path in (used, unused):
        os.utime(path, (0, 0))
    tiny(lock).stored()
    store.remove_unused()

    assert [path.name for path in store.FOLDER.iterdir()] == [used.name]


def test_programs_are_listed_and_scripts_left_out(tmp_path):
    programs = tmp_path / "content" / "python" / "bin"
    programs.mkdir(parents=True)
    for name, content in (("tool", b"\x7fELF"), ("script", b"#!/usr/bin/python3\n")):
        (programs / name).write_bytes(content)
        (programs / name).chmod(0o755)
    store.write(tmp_path / "content", tmp_path / "pack.zip")

    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        assert pack.namelist() == ["python/bin/tool", "programs"]
        assert pack.read("programs") == b"python/bin/tool\n"


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
    for number, text in enumerate(("config: [", "[]", "config: []\n", "\0", "")):
        (tmp_path / f"Pulumi.bad{number}.yaml").write_text(text)
    needed = command.needed(tmp_path)

    arm = [pack.name for pack in needed if pack.platform == of_builds("arm64")]
    assert arm == ["scan", "bandit"]
    assert {pack.name for pack in needed if pack.platform == of_this_machine()} == {
        "scan",
        *command.DEFAULT,
    }
    assert all(pack.is_needed for pack in needed)


def test_the_command_says_what_it_cannot_fetch(index, monkeypatch, capsys):
    assert command.main(["bandit"]) == 1
    assert "could not be fetched" in capsys.readouterr().err
    assert command.main(["lint"]) == 2
    assert "There is nothing to fetch for lint." in capsys.readouterr().err


def test_a_program_whose_packs_are_missing_says_how_to_fetch_them(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "FOLDER", tmp_path)

    with pytest.raises(pulumi.RunError, match="or: python -m packs --for x86_64 scan"):
        gate()


def test_builds_of_the_local_account_run_on_this_machine():
    with builds_run_here():
        assert of_builds("arm64") == of_this_machine()
    assert of_builds("arm64") != of_this_machine()


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_a_folder_of_your_own_is_packed_with_the_packages_of_its_lock(index, lock):
    executable(lock.parent / "tools" / "scan.sh", "#!/bin/sh\n")
    pack = Pack("custom", of_builds("x86_64"), lock.parent)

    with zipfile.ZipFile(pack.make()) as packed:
        assert {"python/tiny.py", "files/tools/scan.sh", "files/requirements.txt"} < {
            *packed.namelist()
        }
        assert packed.read("programs") == b"files/tools/scan.sh\n"
    before = pack.path
    executable(lock.parent / "tools" / "scan.sh", "#!/bin/sh\nexit 1\n")
    assert pack.path != before


def test_data_of_a_module_is_one_zip(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "FOLDER", tmp_path / "store")
    module, recipe = tmp_path / "module", tmp_path / "recipe"
    for path, text in (
        (module / "data" / "GO-1.json", "{}"),
        (module / "README", "no data"),
        (recipe / "recipe.toml", '[pack]\nmodule = "m"\nfolder = "data"\narchive = "a/all.zip"\n'),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr("packs.golang.folder_of", lambda _folder, _module: module)

    with zipfile.ZipFile(Pack("x", of_this_machine(), recipe).make()) as pack:
        [name] = pack.namelist()
        with zipfile.ZipFile(io.BytesIO(pack.read(name))) as data:
            assert (name, data.namelist()) == ("a/all.zip", ["GO-1.json"])


def test_a_scanner_finds_its_packages_and_programs(tmp_path, monkeypatch):
    """Pulumi's archives have no modes, so the programs are made executable."""
    monkeypatch.setattr(scan.packs, "FOLDER", tmp_path)
    for name in ("python/tool.py", "bin/tool", "files/scan.sh"):
        executable(tmp_path / "tool" / name, "#!/bin/sh\n")
        (tmp_path / "tool" / name).chmod(0o644)
    (tmp_path / "tool" / "programs").write_text("bin/tool\nfiles/scan.sh\n")
    monkeypatch.setenv("PATH", "/bin")
    variables = scan.packs.environment("tool", tmp_path)

    folder = tmp_path / "tool"
    assert variables == {"PYTHONPATH": f"{tmp_path}:{folder}/python", "PATH": f"{folder}/bin:/bin"}
    assert os.access(folder / "bin" / "tool", os.X_OK)
    assert os.access(folder / "files" / "scan.sh", os.X_OK)
    assert not os.access(folder / "python" / "tool.py", os.X_OK)
    assert scan.packs.environment("other") == {}


def test_a_tool_of_your_own_runs_from_its_folder(tmp_path, monkeypatch):
    sarif = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "mine"}}, "results": []}]}'
    executable(tmp_path / "own" / "mine.sh", f"#!/bin/sh\nls $1 && cat >$2 <<'E'\n{sarif}\nE\n")
    monkeypatch.setattr(store, "FOLDER", tmp_path / "store")
    monkeypatch.setattr(scan.packs, "FOLDER", tmp_path / "packs")
    with zipfile.ZipFile(store.of("custom", of_this_machine(), tmp_path / "own").make()) as pack:
        pack.extractall(tmp_path / "packs" / "custom")
    done = scanned(zipped(GOOD), **custom("{pack}/files/mine.sh {source} {sarif}"))

    assert done.report["gate"]["status"] == "passed"
    assert "shop" in done.log


@pytest.mark.parametrize(("later", "says"), [(30, False), (31, True)])
def test_old_advisories_are_mentioned(later, says, monkeypatch):
    pack = store.of("osv-scanner", of_this_machine())
    assert pack.day
    today = pack.day + datetime.timedelta(days=later)

    assert ("31 days old" in command.old(pack, today)) == says
    assert command.old(store.of("bandit", of_this_machine()), today) == ""


def test_the_command_names_the_platform_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "FOLDER", tmp_path)

    with pytest.raises(PackError, match="python -m packs --for arm64 gitleaks"):
        store.of("gitleaks", of_builds("arm64")).stored()
    with pytest.raises(PackError, match="python -m packs --for here gitleaks"):
        store.of("gitleaks", of_this_machine()).stored()
