"""An upload's scan is opened once, and supersedes the open requests of older versions."""

from typing import Any

import pytest

from handlers import open_scan
from tests.handlers.conftest import UPLOADS, created

KEY = "payments/api.zip"
EXECUTION, OTHER = "arn:aws:states:::execution:pipeline:1", "arn:aws:states:::execution:pipeline:2"


@pytest.fixture
def opened(artifacts, machine):
    """Upload a version, and open its scan; return the response."""

    def upload_and_open(key: str = KEY, version: str = "", **more: Any) -> dict[str, Any]:
        event = created(key, version or artifacts.upload(key), **more)
        return open_scan.handler({"event": event, "execution": EXECUTION, "retry": 0}, None)

    return upload_and_open


@pytest.fixture
def waits(artifacts, machine):
    """Upload a version whose scan awaits a decision; return the scan's id."""

    def upload_and_wait(kind: str = "decision", attempt: str = "") -> str:
        scan = f"payments/{artifacts.upload(KEY)}{attempt}"
        token = {"token": scan, "scan": scan, "kind": kind, "sha256": "d" * 64}
        artifacts[f"waiting/{scan}.json"] = token
        machine.waiting.add(scan)
        return scan

    return upload_and_wait


def test_scan_json_records_upload_time_and_uploader(opened, artifacts):
    answer = opened()

    version = answer["scan"]["versionId"]
    assert answer == {
        "isNew": True,
        "scan": {
            "version": 1,
            "scan": f"payments/{version}",
            "attempt": 1,
            "app": "payments",
            "bucket": UPLOADS,
            "key": KEY,
            "versionId": version,
            "etag": "9f8e",
            "size": 1024,
            "uploadedAt": "2026-11-24T09:00:00Z",
            "requester": "123456789012",
            "execution": EXECUTION,
        },
    }
    assert artifacts[f"scans/payments/{version}/scan.json"] == answer["scan"]


def test_an_upload_without_a_version_is_refused(opened, artifacts):
    """Where versioning is suspended each upload is ``null``: a clearance would pass to the next."""
    with pytest.raises(ValueError, match="versioning of the upload bucket is suspended"):
        opened(version="null")

    assert "scans/payments/null/scan.json" not in artifacts


def test_another_attempt_has_evidence_of_its_own(opened, artifacts):
    version = artifacts.upload(KEY)

    assert opened(version=version)["scan"]["scan"] == f"payments/{version}"
    again = opened(version=version, attempt=2)["scan"]
    assert (again["scan"], again["attempt"]) == (f"payments/{version}.2", 2)


@pytest.mark.parametrize("key", ["a b/api.zip", "-x/api.zip", "ä.zip", f"{'a' * 65}/api.zip"])
def test_an_upload_without_an_apps_name_is_opened_and_replaces_nothing(opened, waits, machine, key):
    waits()

    assert opened(key)["scan"]["app"] == open_scan.INVALID_KEY
    assert machine.resumed == []


def test_retries_are_idempotent_and_a_duplicate_event_is_recognised(artifacts, calls):
    event = created(KEY, artifacts.upload(KEY))
    first = {"event": event, "execution": EXECUTION, "retry": 0}

    answer = open_scan.handler(first, None)

    assert open_scan.handler({**first, "retry": 1}, None) == answer
    duplicate = open_scan.handler({**first, "execution": OTHER}, None)
    assert duplicate == {"scan": answer["scan"], "isNew": False}


def test_an_s3_error_is_retried_by_the_state_machine(artifacts, calls):
    event = created(KEY, artifacts.upload(KEY))
    calls.refuse("PutObject", "SlowDown")

    with pytest.raises(Exception, match="SlowDown"):
        open_scan.handler({"event": event, "execution": EXECUTION, "retry": 5}, None)


def test_the_open_request_of_the_previous_version_is_superseded(opened, waits, artifacts, machine):
    old = waits()

    new = opened()["scan"]

    decision = artifacts[f"scans/{old}/decision.json"]
    assert decision.pop("decidedAt").endswith("Z")
    assert decision == {
        "version": 1,
        "scan": old,
        "decision": "superseded",
        "reason": f"A newer version was uploaded: {new['versionId']}.",
        "expiresAt": None,
        "evidence": {"gate-result.json": "d" * 64},
    }
    assert machine.resumed == [old]


def test_another_attempt_of_the_previous_version_is_superseded_too(opened, waits, machine):
    old = waits(attempt=".2")

    opened()

    assert machine.resumed == [old]


def test_a_decided_request_is_not_superseded(opened, waits, artifacts):
    old = waits()
    artifacts[f"scans/{old}/decision.json"] = {"decision": "approved"}

    opened()

    assert artifacts[f"scans/{old}/decision.json"] == {"decision": "approved"}


def test_an_approval_is_not_superseded(opened, waits, machine):
    waits("exception")

    opened()

    assert machine.resumed == []


def test_an_older_version_supersedes_no_newer_one(opened, waits, artifacts, machine):
    old = artifacts.upload(KEY)
    waits()

    opened(version=old)

    assert machine.resumed == []


def test_a_deleted_version_supersedes_nothing(opened, waits, artifacts, machine):
    waits()
    gone = artifacts.upload(KEY)
    artifacts.s3.delete_object(Bucket=UPLOADS, Key=KEY, VersionId=gone)
    waits()

    opened(version=gone)

    assert machine.resumed == []


def test_a_version_with_a_hundred_newer_ones_supersedes_none_of_them(
    opened, artifacts, waits, machine
):
    old = artifacts.upload(KEY)
    for _ in range(100):
        artifacts.upload(KEY)
    waits()

    opened(version=old)

    assert machine.resumed == []


@pytest.mark.parametrize("operation", ["ListObjectVersions", "ListObjectsV2", "SendTaskSuccess"])
def test_a_request_that_cannot_be_superseded_stops_no_scan(waits, artifacts, calls, operation):
    waits()
    event = {"event": created(KEY, artifacts.upload(KEY)), "execution": EXECUTION}
    calls.refuse(operation, "InternalError")

    for retry in range(open_scan.INSISTED):
        with pytest.raises(Exception, match="InternalError"):
            open_scan.handler({**event, "retry": retry}, None)
    assert open_scan.handler({**event, "retry": open_scan.INSISTED}, None)["isNew"]


def test_slow_superseding_is_abandoned_in_favour_of_the_scan(opened, waits, machine, monkeypatch):
    older, newer = waits(), waits()
    monkeypatch.setattr(open_scan, "SUPERSEDE_TIME", open_scan.SUPERSEDE_TIME * 0)

    assert opened()["isNew"]
    assert machine.resumed == [newer]
    assert older in machine.waiting
