"""A token is stored for the buttons, and sent back at once if the answer exists already."""

import pytest

from handlers import approval, callback, open_scan
from tests.handlers.conftest import UPLOADS, created, refuse

KEY = "payments/api.zip"
TIMES = {"decidedAt": "2026-11-24T10:00:00Z", "expiresAt": "2036-12-24T10:00:00Z"}
APPROVED = {"decision": "approved", "reason": "Known", **TIMES}
WITHDRAWN = {"reason": "in use", "withdrawnAt": "2026-11-25T10:00:00Z"}


@pytest.fixture
def scan(artifacts):
    """scan.json of an uploaded version whose gate failed."""
    version = artifacts.upload(KEY)
    opened = {
        "scan": f"payments/{version}",
        "app": "payments",
        "bucket": UPLOADS,
        "key": KEY,
        "versionId": version,
        "execution": "arn:execution",
    }
    artifacts[f"scans/{opened['scan']}/scan.json"] = opened
    return opened


@pytest.fixture
def wait(scan, machine):
    """Let the state machine wait for an answer; return whether it was resumed at once."""

    def begin(
        what="decision", token="token-1", entered="2026-11-24T10:00:00.000Z", retry=0, redrive=0
    ):
        machine.waiting.add(token)
        return callback.handler(
            {
                "scan": scan,
                "kind": what,
                "token": token,
                "sha256": "d" * 64,
                "expiresAt": "2036-12-24T10:00:00Z",
                "redrive": redrive,
                "enteredAt": entered,
                "retry": retry,
            },
            None,
        )

    return begin


def test_a_token_is_stored_where_a_click_reads_it(wait, scan, artifacts, machine, clock):
    clock("2026-11-24T10:00:00Z")

    assert wait() is False

    assert artifacts[f"waiting/{scan['scan']}.json"] == {
        "scan": scan["scan"],
        "kind": "decision",
        "token": "token-1",
        "sha256": "d" * 64,
        "requestedAt": "2026-11-24T10:00:00Z",
        "expiresAt": "2036-12-24T10:00:00Z",
        "redrive": 0,
        "enteredAt": "2026-11-24T10:00:00.000Z",
        "retry": 0,
    }
    assert machine.resumed == []


LATER = [
    {"entered": "2026-11-24T10:00:00.001Z"},
    {"entered": "2026-11-24T10:00:01Z"},
    {"retry": 1},
    {"entered": "2026-11-24T09:00:00.000Z", "redrive": 1},
]


@pytest.mark.parametrize("later", LATER)
def test_the_token_of_a_later_wait_replaces_the_previous_one(wait, scan, artifacts, later):
    wait()
    wait(token="token-2", **later)

    assert artifacts[f"waiting/{scan['scan']}.json"]["token"] == "token-2"


@pytest.mark.parametrize("later", LATER)
def test_a_late_call_does_not_overwrite_the_token_of_a_later_wait(
    wait, scan, artifacts, machine, later
):
    wait(token="token-2", **later)

    assert wait() is False
    assert artifacts[f"waiting/{scan['scan']}.json"]["token"] == "token-2"
    assert machine.resumed == []


def test_a_seemingly_late_call_resumes_its_own_token_if_the_response_exists(
    wait, scan, artifacts, machine
):
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    wait("exception", token="token-2", retry=1)

    assert wait() is True
    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("later", LATER)
def test_a_late_write_does_not_overwrite_the_token_of_a_later_wait(
    wait, scan, artifacts, calls, later
):
    """A later wait stores its token between this one's read and write."""

    def overtake(params):
        calls.before.pop("PutObject")
        wait(token="token-2", **later)

    calls.before["PutObject"] = overtake

    assert wait() is False
    assert artifacts[f"waiting/{scan['scan']}.json"]["token"] == "token-2"


def test_a_conflicting_write_is_retried(wait, scan, artifacts, calls):
    calls.refuse("PutObject", "ConditionalRequestConflict", times=2)

    wait()

    assert artifacts[f"waiting/{scan['scan']}.json"]["token"] == "token-1"


def test_an_existing_decision_resumes_at_once(wait, scan, artifacts, machine):
    artifacts[f"scans/{scan['scan']}/decision.json"] = {"decision": "rejected"}

    assert wait() is True
    assert machine.resumed == ["token-1"]
    assert artifacts[f"scans/{scan['scan']}/decision.json"] == {"decision": "rejected"}


def test_a_request_about_a_version_that_is_not_the_newest_is_superseded(
    wait, scan, artifacts, machine
):
    newest = artifacts.upload(KEY)

    assert wait() is True
    decision = artifacts[f"scans/{scan['scan']}/decision.json"]
    assert (decision["decision"], decision["expiresAt"]) == ("superseded", None)
    assert decision["reason"] == f"A newer version was uploaded: {newest}."
    assert decision["evidence"] == {"gate-result.json": "d" * 64}
    assert machine.resumed == ["token-1"]


def test_an_existing_withdrawal_resumes_at_once(wait, scan, artifacts, machine):
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    artifacts[f"scans/{scan['scan']}/withdrawal.json"] = WITHDRAWN

    assert wait("exception") is True
    assert machine.resumed == ["token-1"]


def test_an_exception_goes_on_although_there_is_a_decision_and_a_newer_version(
    wait, scan, artifacts, machine
):
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    artifacts.upload(KEY)

    assert wait("exception") is False
    assert machine.resumed == []


@pytest.fixture
def meanwhile(calls):
    """Run something before the nth call of a handler, once."""

    def at(number, act):
        def overtake(operation):
            if len(calls.made) == number:
                calls.every = lambda operation: None
                act()

        calls.made.clear()
        calls.every = overtake

    return at


# Before each call of callback (read and put the token, read the decision, list the documents, read
# scan.json, list versions), and after.
@pytest.mark.parametrize("gap", range(1, 8))
def test_a_concurrent_decision_always_resumes_the_wait(
    wait, scan, artifacts, machine, meanwhile, gap
):
    artifacts[f"waiting/{scan['scan']}.json"] = {
        "scan": scan["scan"], "kind": "decision", "token": "over", "sha256": "d" * 64,
        "redrive": 0, "enteredAt": "2026-11-24T09:00:00.000Z", "retry": 0,
    }  # fmt: skip
    reject = {"scan": scan["scan"], "reject": "not like this"}

    meanwhile(gap, lambda: approval.handler(reject, None))
    wait()
    if gap == 7:
        approval.handler(reject, None)

    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("gap", range(1, 6))
def test_a_concurrent_withdrawal_always_resumes_the_wait(
    wait, scan, artifacts, machine, meanwhile, gap
):
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    withdraw = {"scan": scan["scan"], "withdraw": "found in use"}

    meanwhile(gap, lambda: approval.handler(withdraw, None))
    wait("exception")
    if gap == 5:
        approval.handler(withdraw, None)

    assert machine.resumed == ["token-1"]


@pytest.mark.parametrize("gap", range(1, 8))
def test_a_concurrent_upload_always_supersedes_the_wait(
    wait, scan, artifacts, machine, meanwhile, gap
):
    def upload():
        version = artifacts.upload(KEY)
        event = {"event": created(KEY, version), "execution": "arn:newer", "retry": 0}
        open_scan.handler(event, None)

    meanwhile(gap, upload)
    wait()
    if gap == 7:
        upload()

    assert machine.resumed == ["token-1"]
    assert artifacts[f"scans/{scan['scan']}/decision.json"]["decision"] == "superseded"


def written(scan, name):
    """S3's event about the new object."""
    return {"detail": {"object": {"key": f"scans/{scan['scan']}/{name}"}}}


@pytest.mark.parametrize(
    ("name", "waits_for", "resumed"),
    [
        ("decision.json", "decision", True),
        # The execution was resumed before.
        ("decision.json", "exception", False),
        ("withdrawal.json", "exception", True),
        # The state machine has not read the approval yet.
        ("withdrawal.json", "decision", True),
    ],
)
def test_a_response_whose_writer_crashed_resumes_the_workflow(
    wait, scan, artifacts, machine, name, waits_for, resumed
):
    if waits_for == "exception":
        artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    wait(waits_for)
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    if name == "withdrawal.json":
        artifacts[f"scans/{scan['scan']}/withdrawal.json"] = WITHDRAWN

    assert callback.handler(written(scan, name), None) is resumed
    assert machine.resumed == (["token-1"] if resumed else [])


def test_a_repeated_response_resumes_once(wait, scan, artifacts, machine):
    wait()
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED

    for _ in range(2):
        callback.handler(written(scan, "decision.json"), None)

    assert machine.resumed == ["token-1"]


def test_a_response_without_a_wait_resumes_nothing(scan, machine):
    assert callback.handler(written(scan, "decision.json"), None) is False
    assert machine.resumed == []


@pytest.fixture
def check(scan, calls):
    """Ask what the evidence says of the scan."""

    def ask(*, expired=False):
        event = {"scan": scan["scan"], "sha256": "d" * 64, "expired": expired}
        return callback.handler(event, None)

    return ask


def test_an_undecided_request_is_open(check, scan, artifacts):
    assert check() == {"status": "open", "approvals": 0}
    assert f"scans/{scan['scan']}/decision.json" not in artifacts


def test_an_undecided_request_expires_once(check, scan, artifacts, clock):
    clock("2026-11-27T10:00:00Z")

    assert check(expired=True) == check() == {"status": "request-expired", "approvals": 0}
    assert artifacts[f"scans/{scan['scan']}/decision.json"] == {
        "version": 1,
        "scan": scan["scan"],
        "decision": "request-expired",
        "reason": "Nobody decided in time.",
        "decidedAt": "2026-11-27T10:00:00Z",
        "expiresAt": None,
        "evidence": {"gate-result.json": "d" * 64},
    }


@pytest.mark.parametrize("expired", [False, True])
@pytest.mark.parametrize("decision", ["rejected", "superseded", "request-expired"])
def test_a_decision_is_returned_even_after_the_deadline(check, scan, artifacts, decision, expired):
    document = {"decision": decision, "expiresAt": None}
    artifacts[f"scans/{scan['scan']}/decision.json"] = document

    assert check(expired=expired) == {"status": decision, "approvals": 0}
    assert artifacts[f"scans/{scan['scan']}/decision.json"] == document


@pytest.mark.parametrize(("withdrawals", "status"), [([], "approved"), ([WITHDRAWN], "withdrawn")])
def test_an_approval_has_its_expiry_and_whether_it_was_withdrawn(
    check, scan, artifacts, withdrawals, status
):
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    for withdrawal in withdrawals:
        artifacts[f"scans/{scan['scan']}/withdrawal.json"] = withdrawal

    assert check(expired=True) == {
        "status": status,
        "expiresAt": APPROVED["expiresAt"],
        "approvals": 0,
    }


def test_a_withdrawal_that_cannot_be_read_is_not_taken_for_none(check, scan, artifacts, calls):
    artifacts[f"scans/{scan['scan']}/decision.json"] = APPROVED
    artifacts[f"scans/{scan['scan']}/withdrawal.json"] = WITHDRAWN
    calls.before["GetObject"] = lambda params: (
        None if "decision.json" in params["url_path"] else refuse("AccessDenied", 403)
    )

    with pytest.raises(Exception, match="AccessDenied"):
        check()
