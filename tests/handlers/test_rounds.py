"""The number of round trips to AWS that people wait for: independent calls are simultaneous."""

import time

import boto3
import pytest

from handlers import approval, callback, check_build_status, notify, parallel, rescan
from tests.handlers.conftest import UPLOADS
from tests.support.rounds import Rounds

# The promised maxima in the usual lifecycles.
MOST = 4
SCAN = "payments/3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE"
GROUP, STREAM = "/aws/codebuild/scan", "7c1d0f0e"
REQUEST = {"scan": SCAN, "kind": "decision", "token": "token-1", "sha256": "d" * 64}
EXCEPTION = {**REQUEST, "kind": "exception"}


@pytest.fixture
def rounds(calls, monkeypatch):
    rounds = Rounds()
    calls.every = rounds.call
    monkeypatch.setattr(parallel, "map_all", rounds.map_all)
    return rounds


@pytest.fixture
def scanned(artifacts, recorded, machine):
    """A scan whose execution waits with ``token-1``; return a function that stores its evidence."""
    machine.waiting.add("token-1")
    artifacts.upload(recorded("scan")["key"])

    def store(**documents):
        for name, document in documents.items():
            artifacts[f"scans/{SCAN}/{name}.json"] = document

    store(scan=recorded("scan"))
    return store


@pytest.mark.parametrize(
    ("event", "report", "most"),
    [
        # Once the gate result is written, it is recorded as the app's last one.
        ("passed", "report-passed", 3),
        ("failed", "report-failed", MOST + 1),
        ("broken", "report-broken", MOST),
    ],
)
def test_evaluating_a_report_takes_few_rounds(scanned, recorded, rounds, event, report, most):
    scanned(report=recorded(report))

    check_build_status.handler(recorded(event), None)

    assert rounds.made == most


def test_the_log_of_a_build_without_a_report_is_on_the_card(
    scanned, recorded, calls, rounds, monkeypatch
):
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    now = int(time.time() * 1000)  # CloudWatch Logs takes no events from far away
    lines = [{"timestamp": now, "message": f"line {number}"} for number in range(20)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=lines)
    logs.meta.events.register_first("before-call", calls._before_call)
    monkeypatch.setattr(check_build_status, "_client", lambda service: logs)
    event = recorded("no-report")
    event["build"]["Logs"] = {"GroupName": GROUP, "StreamName": STREAM}

    check_build_status.handler(event, None)

    assert "GetLogEvents" in calls.made
    assert rounds.made == MOST


def test_an_existing_result_is_read_in_one_round(scanned, recorded, rounds):
    scanned(report=recorded("report-failed"))
    first = check_build_status.handler(recorded("failed"), None)
    rounds.made = 0

    assert check_build_status.handler(recorded("failed"), None) == first
    assert rounds.made == 1


@pytest.mark.parametrize("event", ["passed", "failed"])
def test_a_card_of_a_notification_storm_takes_no_further_round(
    scanned, recorded, artifacts, rounds, clock, event
):
    clock("2026-11-24T10:07:00Z")
    scanned(report=recorded(f"report-{event}"))
    artifacts["thread-slots/2026-11-24T10:05:00Z/digest.json"] = {"scan": "web/v1", "card": None}

    check_build_status.handler(recorded(event), None)

    assert rounds.made <= MOST + 1


@pytest.mark.parametrize(
    "click", [{"approve": ["Hotfix for the outage", "14"]}, {"reject": "The password first"}]
)
def test_deciding_takes_few_rounds(scanned, artifacts, machine, rounds, click):
    artifacts[f"waiting/{SCAN}.json"] = REQUEST

    approval.handler({"scan": SCAN, **click}, None)

    assert machine.resumed == ["token-1"]
    assert rounds.made == MOST


def test_withdrawing_takes_few_rounds(scanned, artifacts, recorded, machine, rounds):
    scanned(decision={**recorded("decision-approved"), "expiresAt": "2036-12-24T10:00:00Z"})
    artifacts[f"waiting/{SCAN}.json"] = EXCEPTION

    approval.handler({"scan": SCAN, "withdraw": "The fix is out"}, None)

    assert machine.resumed == ["token-1"]
    # The last one lists what rests on the exception.
    assert rounds.made == 4


def test_a_second_click_is_answered(scanned, artifacts, recorded, rounds):
    scanned(decision={**recorded("decision-approved"), "expiresAt": "2036-12-24T10:00:00Z"})
    artifacts[f"waiting/{SCAN}.json"] = EXCEPTION

    answer = approval.handler({"scan": SCAN, "reject": "The password first"}, None)

    assert answer.startswith("Already approved")
    assert rounds.made <= MOST


def test_a_click_between_two_waits_sends_the_newer_token(scanned, artifacts, machine, calls):
    """The token that was read first has no effect; the newer one is found and sent."""
    artifacts[f"waiting/{SCAN}.json"] = REQUEST
    machine.waiting = {"token-2"}

    def leave_another(params):
        artifacts[f"waiting/{SCAN}.json"] = {**REQUEST, "token": "token-2"}
        calls.before.pop("PutObject")

    calls.before["PutObject"] = leave_another

    answer = approval.handler({"scan": SCAN, "reject": "The password first"}, None)

    assert answer == f"Rejected: {SCAN} stays blocked."
    assert machine.resumed == ["token-2"]


def test_an_outcome_is_mailed_with_who_decided(scanned, artifacts, recorded, calls, rounds, clock):
    clock("2026-11-25T12:00:00Z")
    sent = calls.accept("SendEmail", MessageId="ses-1")
    decision = recorded("decision-approved")
    scanned(report=recorded("report-failed"), decision=decision)
    for number in range(3):
        artifacts[f"scans/{SCAN}/actions/{number}.json"] = {
            "user": f"U0ADA000{number}",
            "action": "approve",
            "reason": decision["reason"],
            "clickedAt": decision["decidedAt"],
        }

    event = {"scan": SCAN, "event": "approved", "expiresAt": decision["expiresAt"]}
    card = notify.handler(event, None)["card"]

    assert "U0ADA0002" in card["content"]["description"]
    assert len(sent) == 1
    assert rounds.made == MOST


def test_storing_a_token_takes_few_rounds(scanned, recorded, rounds):
    callback.handler(
        {
            "scan": {**recorded("scan"), "bucket": UPLOADS},
            "kind": "decision",
            "token": "token-1",
            "sha256": "d" * 64,
            "expiresAt": "2036-12-24T10:00:00Z",
            "redrive": 0,
            "enteredAt": "2026-11-24T10:00:00.000Z",
            "retry": 0,
        },
        None,
    )

    assert rounds.made == 5


def test_scanning_again_takes_few_rounds(scanned, calls, rounds):
    scanned(**{"gate-result": {"status": "error"}})
    calls.accept("DescribeExecution", status="SUCCEEDED")
    started = calls.accept("StartExecution", executionArn="arn:new")

    rescan.handler({"scan": SCAN}, None)

    assert len(started) == 1
    assert rounds.made == 5
