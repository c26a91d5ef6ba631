"""Files for build servers are written whole or not at all, and an error says which was not."""

import errno
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from ops.errors import CommandError
from ops.formats import Format, ResultOptions, check, write
from tests.ops.formats.results import FINDING, evaluated

RESULT = evaluated(FINDING)


def test_each_file_is_written(tmp_path):
    sarif, junit = tmp_path / "a.sarif", tmp_path / "junit.xml"

    write(ResultOptions(sarif=sarif, junit=junit), RESULT)

    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert junit.read_text().startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>')
    assert sorted(os.listdir(tmp_path)) == ["a.sarif", "junit.xml"]


def test_a_file_is_readable_as_any_other(tmp_path):
    before = os.umask(0o022)
    try:
        write(ResultOptions(sarif=tmp_path / "a.sarif"), RESULT)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a.sarif").stat().st_mode) == 0o644


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to("real.sarif")

    write(ResultOptions(sarif=tmp_path / "link"), RESULT)

    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "real.sarif").read_text())


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe, received = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()), daemon=True)
    reader.start()

    check(ResultOptions(sarif=pipe))
    write(ResultOptions(sarif=pipe), RESULT)

    assert stat.S_ISFIFO(pipe.stat().st_mode)
    reader.join(10)
    assert json.loads(received[0])["version"] == "2.1.0"


def test_an_old_file_is_replaced(tmp_path):
    old = tmp_path / "junit.xml"
    old.write_text("x" * 10**5)

    write(ResultOptions(junit=old), RESULT)

    assert "x" * 100 not in old.read_text()


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    old = tmp_path / "a.sarif"
    old.write_text("old")

    def fill(path, text, **_):
        path.write_bytes(text[:10].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill)

    with pytest.raises(CommandError, match="No space left on device"):
        write(ResultOptions(sarif=old), RESULT)

    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.sarif"]


@pytest.mark.parametrize("path", ["absent/a.sarif", "file/a.sarif", "."])
def test_a_file_that_cannot_be_written_is_one_sentence_and_the_others_are_written(tmp_path, path):
    (tmp_path / "file").touch()
    (tmp_path / "junit.xml").write_text("old")

    with pytest.raises(CommandError, match=r"cannot be written: [^\n]+$") as raised:
        write(ResultOptions(sarif=tmp_path / path, junit=tmp_path / "junit.xml"), RESULT)

    assert raised.value.code == 2
    assert "<testsuites>" in (tmp_path / "junit.xml").read_text()
    assert sorted(os.listdir(tmp_path)) == ["file", "junit.xml"]


@pytest.mark.parametrize("path", ["absent/a.sarif", "file/a.sarif", "."])
def test_what_cannot_be_written_is_known_before_the_scan(tmp_path, path):
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="cannot be written") as raised:
        check(ResultOptions(junit=tmp_path / path))

    assert raised.value.code == 2


def test_an_upload_whose_result_cannot_be_written_does_not_begin(environment, tmp_path):
    (tmp_path / "a.py").write_text("x = 1")

    result = environment.run(
        "upload", str(tmp_path), "--app", "payments", "--wait", "--sarif", str(tmp_path / "no/a")
    )

    assert (result.exit_code, "there is no folder" in result.stderr) == (2, True)
    assert "Contents" not in environment.s3.list_objects_v2(Bucket="uploads")


def test_files_in_an_existing_folder_pass_the_check(tmp_path):
    (tmp_path / "old.sarif").touch()

    check(ResultOptions(sarif=tmp_path / "old.sarif", junit=tmp_path / "new.xml"))
    check(ResultOptions())


def test_annotations_leave_stdout_to_json(capsys):
    write(ResultOptions(format=Format.github, json=True), RESULT)

    assert capsys.readouterr().out == ""


def test_annotations_and_summary_are_for_the_format_github_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))

    write(ResultOptions(), RESULT)

    assert (capsys.readouterr(), os.listdir(tmp_path)) == (("", ""), [])

    write(ResultOptions(format=Format.github), RESULT)

    assert capsys.readouterr().out.startswith("::error title=payments%3A failed::")
    assert os.listdir(tmp_path) == ["summary.md"]
