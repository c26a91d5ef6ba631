"""Where a scan works, and its errors if the disk is too small or folders are too deep."""

import errno
import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.scan_project import packaged_scan
from scan import __main__ as program
from scan.ledger import Entry
from tests.scan.scanning import custom, scanned
from tests.scan.uploads import GOOD, zipped

RUN = {"tool": {"driver": {"name": "Tool"}}, "results": []}
SARIF = json.dumps({"version": "2.1.0", "runs": [RUN]})
TOOL = "import os, sys; sys.setrecursionlimit(10**6); source, sarif = sys.argv[1:3]\n"


def with_tool(code: str, body: bytes | None = None, **environment: str) -> Any:
    """Scan with a tool of Python ``code``, which has the variables ``source`` and ``sarif``."""
    code = f"{TOOL}{code}\nopen(sarif, 'w').write({SARIF!r})"
    words = [sys.executable, "-c", code, "{source}", "{sarif}"]
    return scanned(body or zipped(GOOD), **custom(shlex.join(words)), **environment)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """The folder to which CodeBuild unpacks its source."""
    source = tmp_path / "src"
    for name in packaged_scan({}).assets:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    return source


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_scan_works_on_the_build_disk_and_cleans_up(build):
    done = with_tool(
        "print(source, os.getcwd(), os.environ['TMPDIR'])", CODEBUILD_SRC_DIR=str(build)
    )

    locations = done.log.splitlines()[2].split()
    assert [Path(location).parents[1] for location in locations[:2]] == [build, build]
    assert Path(locations[2]).is_relative_to(locations[1])
    assert {item.name for item in build.iterdir()} == {"domain", "scan"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["", None])
def test_elsewhere_a_scan_works_in_the_temporary_folder(monkeypatch, tmp_path, folder):
    monkeypatch.delenv("CODEBUILD_SRC_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    environment = {} if folder is None else {"CODEBUILD_SRC_DIR": folder}

    done = with_tool("print(source)", **environment)

    assert Path(done.log.splitlines()[2]).parents[1] == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_no_folder_above_an_upload_holds_what_a_scanner_could_take_for_its_settings(build):
    """Scanners look for settings and repositories in all folders above the code."""
    above = (
        "folder = source\n"
        f"while folder != {str(build)!r}:\n"
        "    folder = os.path.dirname(folder)\n"
        "    print('above', sorted(os.listdir(folder)))\n"
    )
    done = with_tool(above, CODEBUILD_SRC_DIR=str(build))

    inner, outer = [line for line in done.log.splitlines() if line.startswith("above")]
    assert inner == "above ['scanner.log', 'source', 'work-custom-0']"
    assert outer.startswith("above ['domain', 'scan', 'scan-")
    assert len(outer.split(",")) == 3


def test_the_work_folder_has_no_name_that_scanners_exclude(build):
    done = with_tool("print(source)", CODEBUILD_SRC_DIR=str(build))

    mine = Path(done.log.splitlines()[2]).relative_to(build)
    assert mine.parts[0].startswith("scan-")
    assert mine.parts[1:] == ("source",)


def test_an_upload_larger_than_the_disk_is_reported_as_such(small_disk):
    noise = random.Random(1).randbytes(5_000_000)

    done = with_tool("", zipped({**GOOD, "noise": noise}), CODEBUILD_SRC_DIR=str(small_disk))

    assert (done.code, done.error) == (1, "DiskFull")
    assert "No space left on device" in done.report["error"]["message"]
    assert "computeType" in done.report["error"]["remediation"]
    assert done.report["error"]["retryable"] is True
    assert "Error: The scan ran out of disk space" in done.log
    assert list(small_disk.iterdir()) == []


def test_an_upload_that_does_not_fit_unpacked_is_reported_as_such(small_disk):
    body = zipped({**GOOD, "zeros": bytes(6_000_000)})

    done = with_tool("", body, CODEBUILD_SRC_DIR=str(small_disk), UPLOAD_LIMITS='{"ratio": 9999}')

    assert done.error == "DiskFull"


@pytest.mark.slow
def test_a_scanner_that_fills_the_disk_leaves_a_report_that_says_so(small_disk):
    """Then even the log cannot be written."""
    fill = (
        "try: open('work', 'wb', 0).write(bytes(9_000_000))\n"
        "finally:\n"
        "    for _ in range(999): print('x' * 4000, flush=True)\n"
    )
    done = with_tool(fill, CODEBUILD_SRC_DIR=str(small_disk))

    assert done.error == "DiskFull"
    assert list(small_disk.iterdir()) == []


@pytest.mark.slow
def test_a_log_with_a_hole_passes_no_gate(small_disk):
    """The tool frees the space again before it ends successfully."""
    fill = (
        "import shutil; free = shutil.disk_usage('.').free\n"
        "open('work', 'wb', 0).write(bytes(free))\n"
        "for _ in range(99): print('x' * 4000, flush=True)\n"
        "os.unlink('work')\n"
    )
    done = with_tool(fill, CODEBUILD_SRC_DIR=str(small_disk))

    assert done.error == "DiskFull"
    assert done.report["gate"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "OutOfMemory"),
        (OSError(errno.ENOSPC, "No space left on device"), "DiskFull"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "DiskFull"),
        (ValueError("MemoryError"), "Unexpected"),
    ],
)
@pytest.mark.parametrize("step", ["open_version", "download", "unpack", "analyse", "judge"])
def test_a_machine_that_is_too_small_is_reported_at_every_step(monkeypatch, step, error, code):
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(program, step, fails)
    done = with_tool("")

    assert (done.code, done.error) == (1, code)
    assert ("computeType" in done.report["error"]["remediation"]) == (code != "Unexpected")


@pytest.mark.slow
def test_folders_of_any_depth_can_be_scanned(monkeypatch, build):
    """A path on Linux holds about 1,700 of them."""
    deep = "/".join(["d"] * 1700)

    def unpack(archive: object, source: Path, limits: object) -> list[Entry]:
        for depth in range(1, 1701):
            os.mkdir(source / "/".join(["d"] * depth))
        (source / deep / "shop.py").write_text("x = 1\n")
        return [Entry(path=f"{deep}/shop.py", size=6)]

    monkeypatch.setattr(program, "unpack", unpack)
    done = with_tool(
        f"print(len(open(source + '/{deep}/shop.py').read()))", CODEBUILD_SRC_DIR=str(build)
    )

    assert done.report["error"] is None
    assert done.log.splitlines()[2] == "6"
    assert done.report["coverage"]["counts"]["analysed"] == 1
    assert {item.name for item in build.iterdir()} == {"domain", "scan"}


@pytest.mark.slow
def test_files_deeper_than_the_maximum_path_are_removed_too(build):
    dig = "for _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\n"
    done = with_tool(dig, CODEBUILD_SRC_DIR=str(build))

    assert done.report["error"] is None
    assert {item.name for item in build.iterdir()} == {"domain", "scan"}


def test_a_failed_cleanup_does_not_lose_the_report(monkeypatch, build):
    def no_rm(command: list[str], **_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])

    monkeypatch.setattr(program.subprocess, "run", no_rm)
    done = with_tool("", CODEBUILD_SRC_DIR=str(build))

    assert (done.code, done.report["error"]) == (0, None)
    assert len(list(build.iterdir())) == 3


def test_the_cleanup_process_does_not_get_the_token(monkeypatch, tmp_path):
    given: dict[str, object] = {}
    monkeypatch.setattr("subprocess.run", lambda *_, **more: given.update(more))
    program._remove([tmp_path])

    assert given["env"] == {}
