"""A newer upload closes what waits for a decision about the versions before it."""

import pytest

from handlers import supersede

KEY = "payments/api.zip"


@pytest.fixture
def uploaded(artifacts, machine):
    """Upload a version of which a scan waits for a decision; return its scan.json."""

    def upload(waits_for="decision", attempt=""):
        version = artifacts.upload(KEY)
        scan = f"payments/{version}{attempt}"
        artifacts[f"waiting/{scan}.json"] = {
            "token": scan,
            "scan": scan,
            "kind": waits_for,
            "sha256": "d" * 64,
        }
        machine.waiting.add(scan)
        return {
            "scan": scan,
            "app": "payments",
            "bucket": "chatops-slack-dev-uploads-9f8e7d6",
            "key": KEY,
            "versionId": version,
        }

    return upload


def test_the_open_request_of_the_version_before_is_closed(uploaded, artifacts, machine):
    old, new = uploaded(), uploaded()

    assert supersede.handler(new, None) == [old["scan"]]

    decision = artifacts[f"scans/{old['scan']}/decision.json"]
    assert decision.pop("decidedAt").endswith("Z")
    assert decision == {
        "version": 1,
        "scan": old["scan"],
        "decision": "superseded",
        "reason": f"A newer version was uploaded: {new['versionId']}.",
        "expiresAt": None,
        "evidence": {"gate-result.json": "d" * 64},
    }
    assert machine.woken == [old["scan"]]


def test_another_attempt_at_the_version_before_is_closed_too(uploaded, machine):
    old, new = uploaded(attempt=".2"), uploaded()

    assert supersede.handler(new, None) == [old["scan"]]
    assert machine.woken == [old["scan"]]


def test_what_was_decided_stays(uploaded, artifacts):
    old, new = uploaded(), uploaded()
    artifacts[f"scans/{old['scan']}/decision.json"] = {"decision": "approved"}

    assert supersede.handler(new, None) == []
    assert artifacts[f"scans/{old['scan']}/decision.json"] == {"decision": "approved"}


def test_an_exception_is_not_touched(uploaded, machine):
    uploaded("exception")

    assert supersede.handler(uploaded(), None) == []
    assert machine.woken == []


def test_an_older_version_closes_nothing_newer(uploaded, machine):
    old = uploaded()
    uploaded()

    assert supersede.handler(old, None) == []
    assert machine.woken == []


def test_a_version_that_is_gone_since_closes_nothing(uploaded, artifacts, machine):
    uploaded()
    gone = uploaded()
    artifacts.s3.delete_object(Bucket=gone["bucket"], Key=KEY, VersionId=gone["versionId"])
    uploaded()

    assert supersede.handler(gone, None) == []
    assert machine.woken == []


def test_a_version_with_a_hundred_newer_ones_closes_none_of_them(uploaded, artifacts, machine):
    old = uploaded()
    for _ in range(100):
        artifacts.upload(KEY)
    uploaded()

    assert supersede.handler(old, None) == []
    assert machine.woken == []


def test_asked_twice_it_says_so_once(uploaded, machine):
    old, new = uploaded(), uploaded()

    assert supersede.handler(new, None) == [old["scan"]]
    assert supersede.handler(new, None) == []
    assert machine.woken == [old["scan"]]
