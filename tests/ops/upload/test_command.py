"""upload: what it prints, and what it refuses."""

import io
import json
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ops import follow
from ops.upload import build_variables, command
from tests.support.repositories import written


@pytest.fixture(autouse=True)
def _in_no_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in build_variables.SERVERS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    return written(tmp_path / "my code", {"app.py": "pass\n"})


def last(environment: Any) -> dict[str, Any]:
    """The newest version: its key, id and metadata."""
    [version] = environment.s3.list_object_versions(Bucket="uploads")["Versions"]
    head = environment.s3.head_object(Bucket="uploads", Key=version["Key"])
    return {"key": version["Key"], "id": version["VersionId"], **head["Metadata"]}


def test_a_folder_is_uploaded_under_its_name_and_its_scan_is_printed(environment, code):
    result = environment.run("upload", str(code), "--app", "payments")

    assert result.exit_code == 0, result.output
    uploaded = last(environment)
    assert uploaded["key"] == "payments/my-code.zip"
    assert f"payments/{uploaded['id']}" in result.stdout
    assert "s3/buckets/artifacts?region=eu-central-1&prefix=scans/payments/" in result.stdout


def test_json_is_one_document_and_nothing_else(environment, code):
    result = environment.run("upload", str(code), "--app", "payments", "--json")

    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["scan"] == f"payments/{document['version']}"
    assert document.keys() == {
        "scan", "app", "key", "version", "sha256", "size", "metadata", "links",
    }  # fmt: skip


def test_a_commit_is_uploaded_with_what_git_knows(environment, repository):
    made = repository({"app.py": "pass\n"})
    made.git("remote", "add", "origin", "https://ada:secret@github.com/acme/payments.git")
    made.git("config", "user.email", "ada@example.com")
    made.write(new="")

    result = environment.run("upload", str(made.path), "--app", "payments")

    uploaded = last(environment)
    assert result.exit_code == 0, result.output
    assert uploaded == {
        "key": "payments/payments.zip",
        "id": uploaded["id"],
        "uploader": "ada@example.com",
        "repository": "https://github.com/acme/payments",
        "commit": made.git("rev-parse", "HEAD"),
        "branch": "main",
        "author": "Ada%20%3Cada@example.com%3E",
    }
    assert "uncommitted changes" in result.stderr
    assert "secret" not in result.output


def test_a_zip_is_uploaded_as_it_is_under_the_given_key(environment, tmp_path):
    archive = tmp_path / "dist.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("app.py", "")

    result = environment.run("upload", str(archive), "--app", "payments", "--key", "payments.zip")

    assert result.exit_code == 0, result.output
    stored = environment.s3.get_object(Bucket="uploads", Key="payments.zip")["Body"].read()
    assert stored == archive.read_bytes()


def test_the_same_folder_twice_is_two_versions_of_the_same_zip(environment, code):
    first = json.loads(environment.run("upload", str(code), "--app", "a", "--json").stdout)
    second = json.loads(environment.run("upload", str(code), "--app", "a", "--json").stdout)

    assert first["version"] != second["version"]
    assert first["sha256"] == second["sha256"]


def test_nothing_that_was_packed_stays(environment, code, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    environment.run("upload", str(code), "--app", "payments")
    (code / "a.").touch()
    environment.run("upload", str(code), "--app", "payments")

    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--app", "a/b"), "'a/b' is no app's name"),
        (("--app", "payments", "--key", "other/a.zip"), "a key of another app: other"),
        (("--app", "payments", "--key", "payments/a.ZIP"), "would not be scanned"),
        (("--app", "payments", "--key", "payments/a\n.zip"), "is no key"),
        (("--app", "payments", "--key", f"payments/{'a' * 1100}.zip"), "is no key"),
        (("--app", "payments", "--commit", "main"), "--commit has an invalid value: main"),
        (("--app", "payments", "--build-url", "https://u:p@h/"), "--build-url has an invalid"),
        (("--app", "payments", "--uploader", "ada"), "--uploader is no email address: ada"),
        (("--app", "payments", "--sarif", "a.sarif"), "for a scan that is followed"),
        (("--app", "payments", "--wait", "--timeout", "soon"), "'soon' is no time"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_sent(environment, code, words, message):
    result = environment.run("upload", str(code), *words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert "Versions" not in environment.s3.list_object_versions(Bucket="uploads")


def test_wait_takes_no_value_or_one_with_a_sign_or_the_word_decision(
    environment, code, monkeypatch
):
    targets = []

    def finish(_environment, target, options, about):
        targets.append((target.wait_for.value, target.key, target.timeout, options.json))
        assert about["scan"] == target.scan
        return 1

    monkeypatch.setattr(follow, "finish", finish)

    first = environment.run("upload", "--wait", str(code), "--app", "a", "--json")
    second = environment.run("upload", str(code), "--app", "a", "--wait=decision", "--timeout=30m")
    third = environment.run("upload", str(code), "--app", "a", "--wait", "decision")
    wrong = environment.run("upload", str(code), "--app", "a", "--wait=never")

    assert [result.exit_code for result in (first, second, third, wrong)] == [1, 1, 1, 2]
    assert first.stdout == ""
    assert targets == [
        ("gate", "a/my-code.zip", None, True),
        ("decision", "a/my-code.zip", 1800, False),
        ("decision", "a/my-code.zip", None, False),
    ]
    assert "never is neither gate nor decision" in wrong.stderr


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


@pytest.mark.parametrize(
    ("error", "code_of_exit", "message", "fix"),
    [
        (denied("PutObject"), 2, "you may not upload to uploads/payments/", "setting uploaders"),
        (
            ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutObject"),
            2,
            "the bucket uploads does not exist",
            "right environment",
        ),
        (EndpointConnectionError(endpoint_url="https://s3"), 2, "Could not connect", "again"),
        (KeyboardInterrupt(), 130, "the upload was interrupted", "again"),
    ],
    ids=["no rights", "no bucket", "no network", "Ctrl-C"],
)
def test_each_error_is_a_sentence_with_its_fix(
    environment, code, asked_first, error, code_of_exit, message, fix
):
    def fail(operation: str, _: Any) -> None:
        if operation == "PutObject":
            raise error

    asked_first(fail)

    result = environment.run("upload", str(code), "--app", "payments")

    assert result.exit_code == code_of_exit
    assert message in result.stderr
    assert fix in result.stderr
    assert "Traceback" not in result.output


def test_a_large_upload_prints_how_far_it_is(environment, tmp_path, monkeypatch):
    folder = written(tmp_path / "code", {"a.bin": os.urandom(17 * 1024 * 1024)})

    loud = environment.run("upload", str(folder), "--app", "payments")
    quiet = environment.run("upload", str(folder), "--app", "payments", "--quiet")

    assert "uploaded 100%" in loud.stderr
    assert "%" not in quiet.stderr


def test_a_name_becomes_a_key_that_is_valid(tmp_path):
    names = {"ä b.zip": "a/b.zip", "...": "a/a.zip", "x" * 300: f"a/{'x' * 100}.zip"}

    assert {name: command._key("a", None, tmp_path / name) for name in names} == names


def test_the_current_folder_has_a_name(monkeypatch, code):
    monkeypatch.chdir(code)

    assert command._key("a", None, Path()) == "a/my-code.zip"


def test_the_command_is_not_stopped_by_what_git_prints(environment, repository):
    """A hook or pager of the user's configuration is not called."""
    made = repository({"app.py": ""})
    made.git("config", "core.pager", "false")
    made.git("config", "log.showSignature", "true")

    result = environment.run("upload", str(made.path), "--app", "payments", "--json")

    assert json.loads(result.stdout)["metadata"]["author"] == "Ada%20%3Cada@example.com%3E"
    assert subprocess.run(["git", "status"], cwd=made.path, check=False).returncode == 0


SARIF = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Own"}}, "results": []}]}'


def in_zip(environment: Any) -> dict[str, bytes]:
    """The files of the zip that was uploaded last."""
    [version] = environment.s3.list_object_versions(Bucket="uploads")["Versions"]
    body = environment.s3.get_object(Bucket="uploads", Key=version["Key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("zipped", [False, True])
def test_reports_are_added_to_a_copy_of_the_code(environment, code, tmp_path, zipped):
    first, second = tmp_path / "own tool.sarif", tmp_path / "second.json"
    for path in (first, second):
        path.write_text(SARIF)
    source, before = code, b""
    if zipped:
        source = tmp_path / "api.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("app.py", "pass\n")
        before = source.read_bytes()
    reports = ["--report", str(first), "--report", str(second)]
    result = environment.run("upload", str(source), "--app", "payments", *reports)

    assert result.exit_code == 0, result.output
    assert in_zip(environment) == {
        "app.py": b"pass\n",
        ".chatops/reports/1-own-tool.sarif": SARIF.encode(),
        ".chatops/reports/2-second.json.sarif": SARIF.encode(),
    }
    assert not zipped or source.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{}", "is no SARIF 2.1.0 with a run"),
        ("[", "is no SARIF 2.1.0 with a run"),
        (SARIF.replace("2.1.0", "2.0.0"), "is no SARIF 2.1.0 with a run"),
        ("[" * 100_000, "is no SARIF 2.1.0 with a run"),
        (" " * (32 * 1024**2) + SARIF, "is over 32 MiB"),
    ],
    ids=["empty", "cut off", "another version", "nested", "large"],
)
def test_what_is_no_report_is_refused_before_anything_is_sent(
    environment, code, tmp_path, content, what
):
    report = tmp_path / "report.sarif"
    report.write_text(content)
    result = environment.run("upload", str(code), "--app", "payments", "--report", str(report))

    assert result.exit_code == 2, result.output
    assert what in " ".join(result.stderr.split())
    assert "Versions" not in environment.s3.list_object_versions(Bucket="uploads")


def test_a_zip_that_has_reports_gets_no_more(environment, tmp_path):
    report, source = tmp_path / "report.sarif", tmp_path / "api.zip"
    report.write_text(SARIF)
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr(".chatops/reports/1-mine.sarif", SARIF)
    result = environment.run("upload", str(source), "--app", "payments", "--report", str(report))

    assert result.exit_code == 2
    assert "has a folder .chatops/reports already" in " ".join(result.stderr.split())
