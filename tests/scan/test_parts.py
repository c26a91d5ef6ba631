"""A scanner that looks at each file by itself runs on parts of an upload, with the same result."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import SAMPLES
from scan.errors import ScanError
from scan.process import run
from scan.sarif import engine
from scan.sarif.scanner_config import LEAST_FILES, parts
from tests.scan.scanning import Scanned, scanned, tree
from tests.scan.uploads import zipped

BAD = (SAMPLES / "payments" / "payments" / "charge.py").read_text()
FILES = {
    **{f"app/part{number}.py": BAD + f"\nNUMBER = {number}\n" for number in range(2 * LEAST_FILES)},
    "app/broken.py": "def (:\n",
    "app/page.js": "eval(location.hash)\n",
    ".bandit": "[bandit]\nskips: B602\n",
}


@pytest.fixture
def cores(monkeypatch):
    def are(number: int) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: number)

    return are


def of_interest(result: Scanned) -> Any:
    """The result without what differs between any two scans."""
    assert result.all_findings
    report = {
        name: value
        for name, value in result.report.items()
        if name not in {"scan", "upload", "startedAt", "finishedAt", "evidence"}
    }
    findings = {name: value for name, value in result.all_findings.items() if name != "scan"}
    return result.code, report, findings


def test_the_result_is_that_of_one_process(cores):
    body, results, processes = zipped(FILES), [], []
    for number in (1, 2, 3):
        cores(number)
        started = []

        def counted(command: Any, started: list[Any] = started, **options: Any) -> Any:
            started.append(command)
            return run(command, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "run", counted)
            results.append(of_interest(scanned(body)))
        processes.append(len(started))

    # Each part has so many files at least.
    assert processes == [1, 2, 2]
    assert results[1] == results[0]
    assert results[2] == results[0]
    assert sum(results[0][1]["counts"].values()) > 2 * LEAST_FILES
    assert "app/broken.py" in str(results[0][1]["coverage"])


def test_a_part_that_fails_is_a_scan_that_failed_to_run(cores, monkeypatch):
    cores(2)

    def failing(command: Any, *, folder: Path, **options: Any) -> Any:
        if folder.name.endswith("-1"):
            raise ScanError("OutOfMemory", "The scanner was killed.", "Raise computeType.")
        return run(command, folder=folder, **options)

    monkeypatch.setattr(engine, "run", failing)
    assert scanned(zipped(FILES)).error == "OutOfMemory"


def test_what_a_tool_of_the_team_runs_sees_the_whole_upload(cores):
    cores(2)
    listing = "sh -c 'find {source} -type f | wc -l; exit 1'"
    result = scanned(zipped(FILES), SCANNERS='["custom"]', CUSTOM_COMMAND=listing)
    assert f"\n{len(FILES) - 1}\n" in result.log


@given(
    st.lists(
        st.tuples(st.sampled_from(["py", "js", ""]), st.integers(0, 9)), min_size=1, max_size=30
    ),
    st.integers(1, 5),
    st.integers(1, 9),
)
def test_each_file_is_in_one_part(tmp_path_factory, kinds, most, least):
    folder = tmp_path_factory.mktemp("parts")
    files = {f"{number}/f.{kind}": "x" * size for number, (kind, size) in enumerate(kinds)}
    source = tree(files, folder / "source")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scan.sarif.scanner_config.LEAST_FILES", least)
        made = parts(source, folder / "v0", most)

    listed = [
        [path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file()]
        for part in made
    ]
    assert sorted(name for names in listed for name in names) == sorted(files)
    assert len(made) == max(1, min(most, len(files) // least))
    # None has much more of a kind than another.
    for suffix in (".py", ".js", "."):
        numbers = [sum(name.endswith(suffix) for name in names) for names in listed]
        assert max(numbers) - min(numbers) <= 1
    for part, names in zip(made, listed, strict=True):
        assert all((part / name).samefile(source / name) for name in names)
