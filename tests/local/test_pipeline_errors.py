"""If a part of AWS fails, the channel is notified and nothing is lost."""

import json

import pytest

from tests.support.account import (
    QUICK_FAILING,
    QUICK_PASSING,
    card_of,
    change_states,
    click,
    client_of_uploads_rule,
    crash,
    disable_retries,
    scan_quickly,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def without_retries(cloud):
    change_states(cloud, disable_retries)
    scan_quickly(cloud)


@pytest.mark.slow
def test_a_failed_evaluation_is_reported_with_a_link_to_the_execution(cloud, replaced):
    replaced(cloud, "check-build-status", crash)
    scan = cloud.upload("inventory.zip", QUICK_PASSING)
    execution = cloud.execution(scan)

    assert cloud.ended(execution) == "FAILED"

    card = card_of(cloud, scan)
    assert execution in card.description
    assert 'it said \\"no\\" &amp; &lt;!here&gt;' in card.description
    assert cloud.clearance("inventory.zip", scan) is None


def test_refused_email_is_reported_and_the_decision_stays(cloud, replaced):
    replaced(cloud, "notify", crash)
    scan = cloud.upload("payments/api.zip", QUICK_FAILING)

    click(cloud, scan, "Reject")

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    card_of(cloud, scan, "could not be sent")
    assert cloud.clearance("payments/api.zip", scan) == "rejected"


@pytest.mark.slow
def test_a_build_is_retried_while_codebuild_is_at_its_quota(cloud, monkeypatch):
    monkeypatch.setattr(cloud.builds, "slots", 0)
    scan = cloud.upload("inventory.zip", QUICK_PASSING)
    execution = cloud.execution(scan)
    cloud.reached(execution, "Scan")
    while not any(event["type"] == "TaskFailed" for event in cloud.history(execution)):
        pass
    monkeypatch.setattr(cloud.builds, "slots", 20)

    assert cloud.ended(execution) == "SUCCEEDED"
    assert cloud.clearance("inventory.zip", scan) == "passed"


def test_a_build_that_times_out_is_reported_as_a_timeout(cloud, monkeypatch):
    monkeypatch.setattr(cloud.builds, "minute", 0.01)
    scan = cloud.upload("inventory.zip", QUICK_PASSING)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"

    assert "took longer than it may" in card_of(cloud, scan).description
    assert cloud.clearance("inventory.zip", scan) == "error"


def test_an_event_that_starts_no_execution_goes_to_the_dead_letter_queue(cloud, monkeypatch):
    stepfunctions = client_of_uploads_rule(cloud)

    def down(**_):
        raise ConnectionError("Step Functions is down")

    monkeypatch.setattr(stepfunctions, "start_execution", down)
    scan = cloud.upload("inventory.zip", QUICK_PASSING)

    [dead_letter] = cloud.client("sqs").receive_message(
        QueueUrl=cloud.outputs["deadLetterQueue"], WaitTimeSeconds=5
    )["Messages"]
    assert json.loads(dead_letter["Body"])["detail"]["object"]["version-id"] in scan


def test_a_missing_secret_is_reported_in_the_channel(cloud, monkeypatch):
    project = cloud.builds.project

    def with_secret(name):
        result = project(name)
        result["environment"]["environmentVariables"] = [
            {"name": "SONAR_TOKEN", "type": "SECRETS_MANAGER", "value": "gone"}
        ]
        return result

    monkeypatch.setattr(cloud.builds, "project", with_secret)
    scan = cloud.upload("inventory.zip", QUICK_PASSING)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert "Secrets Manager" in card_of(cloud, scan).description


def test_scanner_code_that_cannot_be_fetched_is_reported_in_the_channel(cloud, monkeypatch):
    project = cloud.builds.project

    def without_code(name):
        result = project(name)
        bucket = result["source"]["location"].partition("/")[0]
        return {
            **result,
            "source": {**result["source"], "location": f"{bucket}/source/gone.zip"},
            "sourceVersion": "",
        }

    monkeypatch.setattr(cloud.builds, "project", without_code)
    scan = cloud.upload("inventory.zip", QUICK_PASSING)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert "source/gone\u2024zip" in card_of(cloud, scan).description
    assert cloud.guard.denied.pop().access.resource.endswith("/source/gone.zip")
