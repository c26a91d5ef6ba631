"""fetch downloads what may be deployed, and says why other versions may not."""

import errno
import json
from unittest.mock import Mock

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody

from ops import follow, uploads
from tests.ops.conftest import FUTURE, LATER, digest

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}


@pytest.fixture
def fetched(environment):
    """Fetch into a folder; return the run and the zip's bytes, None if there is no zip."""

    def fetch(*words):
        target = environment.folder / "got.zip"
        result = environment.run("fetch", "payments", "--to", str(target), *words)
        return result, target.read_bytes() if target.exists() else None

    return fetch


def test_the_newest_cleared_version_is_downloaded(environment, fetched):
    environment.cleared(body=b"old")
    environment.cleared(body=b"new")

    result, body = fetched()

    assert (result.exit_code, body) == (0, b"new"), result.output


def test_a_newer_uncleared_version_is_named_with_approver_and_reason(environment, fetched):
    environment.cleared(body=b"old")
    version = environment.upload(body=b"new", status="rejected")
    decision = {"decision": "rejected", "reason": "fix the shell call"}
    scan = environment.scan(version, decision=decision)
    environment.click(scan, "reject", "fix the shell call")

    result, body = fetched()

    assert (result.exit_code, body) == (0, b"old")
    assert version in result.stderr
    assert "rejected by Ada (U0ADA0000) on 1 Jan 2026, 11:00 UTC" in result.stderr
    assert "fix the shell call" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "decision", "says"),
    [
        ("", None, "its scan has not begun"),
        ("failed", None, "The quality gate failed: HIGH; it waits for a decision"),
        ("rejected", {"decision": "rejected", "reason": "no"}, "rejected by the channel"),
        ("request-expired", {"decision": "request-expired"}, "request expired"),
        (
            "approval-expired",
            {**APPROVED, "expiresAt": LATER},
            "its approval expired on 1 Jan 2026",
        ),
        (
            "superseded",
            {"decision": "superseded", "reason": "A newer version."},
            "A newer version.",
        ),
        (
            "approved",
            {**APPROVED, "expiresAt": LATER},
            "its evidence: its approval expired on 1 Jan",
        ),
    ],
    ids=["unscanned", "failed", "rejected", "expired", "ended", "superseded", "tag left behind"],
)
def test_a_version_that_is_asked_for_but_not_cleared_is_refused(
    environment, fetched, status, decision, says
):
    version = environment.upload(status=status)
    if status:
        environment.scan(version, decision=decision)

    result, body = fetched("--version", version)

    assert (result.exit_code, body) == (1, None)
    assert says in result.stderr


def test_each_version_that_may_not_be_deployed_has_a_line_of_its_own(environment, fetched):
    versions = [environment.upload(status="failed") for _ in range(9)]
    for version in versions:
        environment.scan(version)

    result, _ = fetched()

    lines = result.stderr.splitlines()
    assert len({line for line in lines for version in versions if version in line}) == 9


def test_a_withdrawn_version_names_who_withdrew_it(environment, fetched):
    version = environment.upload(status="withdrawn")
    scan = environment.scan(version, decision=APPROVED, withdrawal={"reason": "exploited"})
    environment.click(scan, "withdraw", "exploited")

    result, _ = fetched()

    assert result.exit_code == 1
    assert "withdrawn by Ada (U0ADA0000)" in result.stderr


def test_a_rescanned_version_is_described_by_its_last_scan(environment, fetched):
    version = environment.upload(status="rejected")
    environment.scan(version, status="error")
    environment.scan(version, attempt=2, decision={"decision": "rejected", "reason": "second look"})

    result, _ = fetched()

    assert "second look" in result.stderr


def test_the_app_is_the_keys_first_part_and_no_other_apps_zip_is_taken(environment, fetched):
    environment.cleared("payments.zip", b"mine")
    for other in ("payments.zip.zip", "payments-old/a.zip", "paymentsx.zip"):
        environment.cleared(other, b"other")

    assert fetched()[1] == b"mine"


@pytest.mark.parametrize(
    ("key", "app"),
    [
        ("payments/api.zip", "payments"),
        ("payments/v1/api.zip", "payments"),
        ("payments.zip", "payments"),
        ("no app/api.zip", "invalid-key"),
        ("/api.zip", "invalid-key"),
    ],
)
def test_the_app_of_a_key_is_what_the_state_machine_says(key, app):
    assert uploads.app_of(key) == app


def test_one_key_of_an_app_can_be_asked_for(environment, fetched):
    environment.cleared("payments/api.zip", b"api")
    environment.cleared("payments/api.zip.zip", b"longer")
    environment.cleared("payments/web.zip", b"web")

    assert fetched("--key", "payments/api.zip")[1] == b"api"


def test_a_deleted_version_is_not_fetched(environment, fetched):
    environment.cleared()
    environment.s3.delete_object(Bucket="uploads", Key="payments/api.zip")

    result, body = fetched()

    assert (result.exit_code, body) == (1, None)
    assert "it was deleted" in result.stderr


def test_a_zip_that_differs_from_the_scanned_one_is_deleted(environment, fetched):
    version = environment.upload(body=b"zip", status="passed")
    environment.scan(version, status="passed", sha256=digest(b"another"))

    result, body = fetched()

    assert (result.exit_code, body) == (1, None)
    assert "is not what was scanned" in result.stderr
    assert [item.name for item in environment.folder.iterdir()] == ["outputs.json"]


def test_an_interrupted_download_leaves_nothing_and_is_no_error_of_the_file(
    environment, fetched, monkeypatch
):
    environment.cleared()

    def break_off(*_):
        raise ReadTimeoutError(endpoint_url="https://s3")
        yield

    monkeypatch.setattr(StreamingBody, "iter_chunks", break_off)

    result, body = fetched()

    assert (result.exit_code, body) == (2, None)
    assert "AWS error" in result.stderr
    assert [item.name for item in environment.folder.iterdir()] == ["outputs.json"]


def test_a_full_disk_is_reported_with_a_message(environment, fetched, monkeypatch):
    environment.cleared()
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(StreamingBody, "iter_chunks", Mock(side_effect=full))

    result, body = fetched()

    assert (result.exit_code, body) == (2, None)
    assert "No space left on device" in result.stderr


def test_without_the_right_to_read_evidence_it_still_fetches(environment, fetched, denied):
    environment.cleared(body=b"old")
    environment.scan(environment.upload(status="rejected"))
    denied("artifacts")

    result, body = fetched()

    assert (result.exit_code, body) == (0, b"old"), result.output
    assert "rejected" in result.stderr


def test_json_names_the_file_and_what_is_newer(environment, fetched):
    old = environment.cleared(body=b"old")
    new = environment.upload(status="failed")

    result, _ = fetched("--json")
    answer = json.loads(result.stdout)

    assert (answer["version"], answer["status"]) == (old, "passed")
    assert answer["sha256"] == digest(b"old")
    assert [item["version"] for item in answer["newer"]] == [new]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["fetch", "orders"], 2, "nothing was uploaded for app orders"),
        (["fetch", "../x"], 2, "is no app's name"),
        (["fetch", "payments", "--key", "orders/a.zip"], 2, "is not of app payments"),
        (["fetch", "payments", "--version", "unknown"], 1, "has no version unknown"),
        (["fetch", "payments", "--to", "/nowhere/a.zip"], 2, "cannot be written"),
        (["fetch", "orders", "--wait", "--to", "/nowhere/a.zip"], 2, "there is no folder /nowhere"),
    ],
    ids=["no upload", "no app", "another app's key", "no version", "no folder", "waiting for none"],
)
def test_a_failed_fetch_is_reported_with_a_message(environment, words, code, says):
    environment.cleared()

    result = environment.run(*words)

    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_the_upload_time_is_shown_beside_its_version(environment, fetched):
    version = environment.cleared()

    assert f"payments/api.zip, version {version} of " in fetched()[0].stderr


@pytest.fixture
def meanwhile(environment, asked_first, monkeypatch):
    """Decide about a version whose gate failed, while its decision is awaited."""
    monkeypatch.setattr(follow, "SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr(follow, "LONGEST_PAUSE", 0.02)

    def decide(version, body, **decision):
        looks = []

        def answer(operation, parameters):
            if operation == "GetObjectTagging" and parameters["VersionId"] == version:
                looks.append(operation)
                if len(looks) == 3:
                    sha256 = digest(body)
                    environment.scan(version, decision=decision, sha256=sha256)
                    environment.tag("payments/api.zip", version, decision["decision"])

        asked_first(answer)

    return decide


def test_waiting_ends_with_the_decision_and_fetches_what_it_allows(environment, fetched, meanwhile):
    environment.cleared(body=b"old")
    version = environment.upload(body=b"new", status="failed")
    environment.scan(version, sha256=digest(b"new"))
    meanwhile(version, b"new", **APPROVED)

    result, body = fetched("--wait")

    assert (result.exit_code, body) == (0, b"new"), result.stderr
    assert "✔ Decided" in result.stderr


def test_after_a_rejection_the_newest_cleared_version_is_fetched(environment, fetched, meanwhile):
    environment.cleared(body=b"old")
    version = environment.upload(body=b"new", status="failed")
    environment.scan(version, sha256=digest(b"new"))
    meanwhile(version, b"new", decision="rejected", reason="fix it")

    result, body = fetched("--wait")

    assert (result.exit_code, body) == (0, b"old"), result.stderr
    assert "newer, but not cleared" in result.stderr


def test_nothing_is_fetched_before_the_newest_version_is_decided(environment, fetched):
    environment.cleared(body=b"old")
    environment.scan(environment.upload(status="failed"))

    result, body = fetched("--wait", "--timeout", "1s")

    assert (result.exit_code, body) == (2, None)
    assert "nobody has decided within 1 s" in result.stderr


def test_waiting_for_an_older_version_does_not_wait_for_newer_ones(environment, fetched):
    old = environment.cleared(body=b"old")
    environment.scan(environment.upload(status="failed"))

    result, body = fetched("--wait", "--version", old)

    assert (result.exit_code, body) == (0, b"old"), result.stderr


def test_a_time_out_without_waiting_is_refused(fetched):
    result, body = fetched("--timeout", "1s")

    assert (result.exit_code, "add --wait" in result.stderr, body) == (2, True, None)
