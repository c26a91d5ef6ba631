"""The commands on the real program, in an account on this machine."""

import json
import re
from collections.abc import Iterator

import pytest

from local.account import LocalAccount
from ops import smoke
from tests.support.account import QUICK_FAILING, QUICK_PASSING, scan_quickly

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    with LocalAccount({"decisionWindow": "10m", "exceptionPeriod": "30m"}) as running:
        yield running


@pytest.fixture
def quick(cloud: LocalAccount) -> Iterator[None]:
    """Use quick builds: these tests are not about the scanner."""
    scan_quickly(cloud)
    yield
    cloud.builds.buildspec = None


@pytest.fixture
def failed(cloud: LocalAccount, quick: None) -> str:
    """A scan that awaits its decision."""
    scan = cloud.upload("payments/api.zip", QUICK_FAILING)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    return scan


@pytest.mark.slow
def test_a_smoke_test_of_a_sound_environment_finds_nothing_and_leaves_no_upload(cloud, run):
    result = run("smoke", "--reject", "--minutes", "3")

    assert result.exit_code == 0, result.output
    assert "✘" not in result.output
    # Another smoke test in this account may have left an upload.
    [own] = set(re.findall(r"smoke-[0-9a-f]{8}-", result.output))
    listed = cloud.client("s3").list_object_versions(
        Bucket=cloud.outputs["uploadBucket"], Prefix=own
    )
    assert listed.get("Versions", []) == []


@pytest.mark.slow
def test_a_smoke_test_says_what_is_wrong_and_what_it_leaves(cloud, run, monkeypatch):
    monkeypatch.setitem(smoke.EXPECTED, "payments", "passed")

    result = run("smoke", "--minutes", "3")

    assert result.exit_code == 1
    assert "✘ its gate passed: failed (The quality gate failed: HIGH)" in result.output
    [left] = re.findall(r"python -m ops reject (\S+)", result.output)
    assert run("reject", left, "--reason", "smoke test").exit_code == 0


def test_an_approval_is_fetched_until_it_is_withdrawn(cloud, run, failed):
    assert run("fetch", "payments").exit_code == 1
    listed = run("waiting")
    assert failed in listed.stdout, listed.output

    approved = run("approve", failed, "--reason", "fixed in 1.5", "--days", "20m")
    cloud.reached(cloud.execution(failed), "AwaitWithdrawal")
    fetched = run("fetch", "payments", "--json")
    ending = run("waiting", "--json")
    withdrawn = run("withdraw", failed, "--reason", "exploited in the wild")
    cloud.ended(cloud.execution(failed))
    refused = run("fetch", "payments")

    assert (approved.exit_code, withdrawn.exit_code) == (0, 0), approved.output + withdrawn.output
    assert json.loads(fetched.stdout)["version"] == failed.split("/")[1], fetched.output
    waits = [load["what"] for load in json.loads(ending.stdout) if load["scan"] == failed]
    assert waits == ["exception"]
    assert refused.exit_code == 1
    assert "withdrawn by the channel" in refused.stderr
    assert "exploited in the wild" in refused.stderr


def test_the_commands_follow_the_rules_of_the_buttons(cloud, run, failed):
    assert run("approve", failed, "--reason", "x").exit_code == 1
    assert run("approve", failed, "--reason", "fixed", "--days", "9999").exit_code == 1
    assert run("rescan", failed).exit_code == 1
    assert run("reject", failed, "--reason", "fix it first").exit_code == 0
    assert run("approve", failed, "--reason", "but please").exit_code == 1
    cloud.ended(cloud.execution(failed))
    assert run("rescan", failed).exit_code == 0
    # Started later, without the quick builds, it would pass, and other tests could fetch it.
    cloud.reached(cloud.execution(f"{failed}.2"), "AwaitDecision")

    [row] = [load for load in json.loads(run("audit", "--json").stdout) if load["scan"] == failed]
    assert (row["decision"], row["reason"]) == ("rejected", "fix it first")


def test_an_event_that_started_nothing_is_redriven_once(cloud, run, quick):
    first = cloud.upload("inventory.zip", QUICK_PASSING)
    stepfunctions, sqs = cloud.client("stepfunctions"), cloud.client("sqs")
    event = stepfunctions.describe_execution(executionArn=cloud.execution(first))["input"]
    cloud.ended(cloud.execution(first))
    for _ in range(2):
        sqs.send_message(QueueUrl=cloud.outputs["deadLetterQueue"], MessageBody=event)

    assert run("redrive").exit_code == 1
    assert run("redrive", "--yes").exit_code == 0
    assert run("redrive").exit_code == 0

    again = [
        execution for execution in cloud.executions() if execution["name"].startswith("redrive-")
    ]
    assert len(again) == 1
    cloud.ended(again[0]["executionArn"])
    assert cloud.states(again[0]["executionArn"])[-1] == "DuplicateEvent"


def test_the_evidence_of_all_tests_is_valid(run):
    result = run("verify", "--all")

    assert result.exit_code == 0, result.output
