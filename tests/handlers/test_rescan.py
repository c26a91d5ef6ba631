"""*Scan again* starts another attempt once, and only after the last one has ended."""

import json

import pytest

from handlers import rescan
from tests.handlers.conftest import refuse

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:chatops-slack-dev-pipeline-1a2b3c4"


@pytest.fixture
def over(artifacts, calls, recorded):
    """A scan that failed to run and whose execution has ended; return the started executions."""
    scan = recorded("scan")
    artifacts[f"scans/{scan['scan']}/scan.json"] = scan
    artifacts[f"scans/{scan['scan']}/gate-result.json"] = {"status": "error"}
    calls.accept("DescribeExecution", status="SUCCEEDED")
    return scan, calls.accept("StartExecution", executionArn="arn:new")


def click(scan):
    answer = rescan.handler({"scan": scan}, None)
    assert answer.endswith(".")
    return answer


def test_a_finished_scan_is_repeated_as_another_attempt(over):
    scan, started = over

    assert click(scan["scan"]) == (
        "Scanning payments/api-1.4.zip again; the answer comes on a new card, about "
        f"{scan['scan']}.2."
    )
    (requests,) = started
    assert requests["stateMachineArn"] == MACHINE
    event = json.loads(requests["input"])
    assert event["attempt"] == 2
    assert event["time"] == scan["uploadedAt"]
    assert event["detail"]["bucket"]["name"] == scan["bucket"]
    assert event["detail"]["object"]["version-id"] == scan["versionId"]
    assert event["detail"]["requester"] == scan["requester"]


def test_every_click_starts_the_same_execution(over):
    scan, started = over

    click(scan["scan"])
    click(scan["scan"])

    assert len({item["name"] for item in started}) == 1
    assert len(started[0]["name"]) <= 80


def test_the_attempt_after_the_second_is_the_third(over, artifacts):
    scan, _started = over
    again = f"{scan['scan']}.2"
    artifacts[f"scans/{again}/scan.json"] = {**scan, "scan": again, "attempt": 2}

    assert click(again).endswith(f"about {scan['scan']}.3.")


def test_an_old_card_scans_again_after_the_last_attempt(over, artifacts):
    """Step Functions deletes executions, so only the evidence shows the earlier attempts."""
    scan, started = over
    for number in (2, 9, 10):
        again = f"{scan['scan']}.{number}"
        artifacts[f"scans/{again}/scan.json"] = {**scan, "scan": again, "attempt": number}

    assert click(scan["scan"]).endswith(f"about {scan['scan']}.11.")
    assert json.loads(started[0]["input"])["attempt"] == 11


def test_an_old_card_reports_the_last_attempt(over, artifacts):
    scan, started = over
    again = f"{scan['scan']}.2"
    artifacts[f"scans/{again}/scan.json"] = {**scan, "scan": again, "attempt": 2}
    artifacts[f"scans/{again}/gate-result.json"] = {"status": "passed"}

    assert click(scan["scan"]).startswith(f"{again} passed its quality gate")
    assert started == []


def test_an_old_card_reports_that_the_last_attempt_is_running(over, artifacts, calls):
    scan, started = over
    again = f"{scan['scan']}.2"
    execution = f"{scan['execution']}-2"
    artifacts[f"scans/{again}/scan.json"] = {**scan, "scan": again, "execution": execution}
    requests = calls.accept("DescribeExecution", status="RUNNING")

    assert click(scan["scan"]).startswith(f"{again} is not over:")
    assert [request["executionArn"] for request in requests] == [execution]
    assert started == []


def test_an_attempt_that_failed_before_it_opened_is_followed_by_the_next(over, calls):
    scan, _ = over
    accept = calls.before["StartExecution"]

    def use_up_the_second(params):
        taken = json.loads(params["body"])["name"].startswith("again-2-")
        return refuse("ExecutionAlreadyExists") if taken else accept(params)

    calls.before["StartExecution"] = use_up_the_second

    assert click(scan["scan"]).endswith(f"about {scan['scan']}.3.")


def test_a_running_scan_is_not_repeated(over, calls):
    scan, started = over
    calls.accept("DescribeExecution", status="RUNNING")

    assert click(scan["scan"]).startswith(f"{scan['scan']} is not over:")
    assert started == []


def test_a_deleted_execution_counts_as_finished(over, calls):
    scan, started = over
    calls.refuse("DescribeExecution", "ExecutionDoesNotExist")

    assert click(scan["scan"]).startswith("Scanning payments/api-1.4.zip again;")
    assert len(started) == 1


def test_a_passed_scan_is_not_repeated(over, artifacts):
    scan, started = over
    artifacts[f"scans/{scan['scan']}/gate-result.json"] = {"status": "passed"}

    assert "passed its quality gate" in click(scan["scan"])
    assert started == []


def test_a_permanent_error_is_not_scanned_again(over, artifacts):
    """Cards from before that rule still have the button."""
    scan, started = over
    artifacts[f"scans/{scan['scan']}/gate-result.json"] = {"status": "error", "retryable": False}

    assert click(scan["scan"]) == (
        f"The same bytes would end as {scan['scan']} did: do what its card says, then upload again."
    )
    assert started == []


@pytest.mark.parametrize("event", [None, {}, {"scan": 7}, {"scan": "../x"}, {"scan": "payments"}])
def test_an_invalid_scan_id_is_refused_before_any_call(calls, event):
    assert rescan.handler(event, None) == "This is not a scan; use the button on its card."
    assert calls.made == []


def test_an_unknown_scan_is_reported_as_unknown(artifacts):
    assert click("payments/unknown") == "There is no scan payments/unknown here."


def test_an_aws_error_allows_another_click(over, calls):
    calls.refuse("StartExecution", "AccessDeniedException")

    assert click(over[0]["scan"]).startswith("AWS error. Nothing was changed; try again")
