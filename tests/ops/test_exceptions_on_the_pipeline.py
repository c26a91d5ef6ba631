"""What rests on an exception is followed, extended, withdrawn and verified on the real program."""

import json
from collections.abc import Iterator

import pytest

from local.account import LocalAccount
from tests.support.account import scan_quickly, with_errors

pytestmark = pytest.mark.slow

SETTINGS = {"decisionWindow": "10m", "exceptionPeriod": "30m", "approvalCovers": "findings"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    with LocalAccount(SETTINGS) as running:
        scan_quickly(running)
        yield running


def test_a_version_under_an_exception_is_cleared_until_that_is_withdrawn(cloud, run):
    root = cloud.upload("payments/api.zip", with_errors(2))
    cloud.reached(cloud.execution(root), "AwaitDecision")
    assert run("approve", root, "--reason", "fixed in 1.5", "--days", "20m").exit_code == 0
    cloud.reached(cloud.execution(root), "AwaitWithdrawal")

    scan = cloud.upload("payments/api.zip", with_errors(1))
    followed = run("wait", scan, "--timeout", "2m")

    assert followed.exit_code == 0, followed.output
    assert f"approved under the exception of {root}, by the channel" in followed.stderr
    assert "0 new, 1 known, 1 fixed" in followed.stdout
    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")

    refused = run("extend", scan, "--reason", "not yet", "--days", "28m")
    assert (refused.exit_code, root in refused.output) == (1, True), refused.output
    extended = run("extend", root, "--reason", "not yet", "--days", "28m")
    assert extended.exit_code == 0, extended.output
    fetched = json.loads(run("fetch", "payments", "--json").stdout)
    assert fetched["version"] == scan.partition("/")[2]
    assert "extended, because: not yet" in fetched["why"]
    rows = {row["scan"]: row for row in json.loads(run("audit", "--json").stdout)}
    assert [rows[one]["extensions"] for one in (root, scan)] == [1, 1]
    assert rows[root]["expires"] == rows[scan]["expires"] > rows[root]["decided"]
    waits = {item["scan"]: item for item in json.loads(run("waiting", "--json").stdout)}
    assert (waits[root]["covers"], waits[root]["expires"]) == (1, rows[root]["expires"])
    assert scan not in waits

    assert run("withdraw", root, "--reason", "exploited in the wild").exit_code == 0
    for one in (root, scan):
        cloud.ended(cloud.execution(one))
    gone, verified = run("fetch", "payments"), run("verify", "--app", "payments")

    assert verified.exit_code == 0, verified.output
    assert gone.exit_code == 1
    assert (
        f"the exception of {root}, on which it rests, was withdrawn by the channel" in gone.stderr
    )


def test_a_version_with_something_new_asks_although_an_exception_is_valid(cloud, run):
    root = cloud.upload("orders/api.zip", with_errors(1))
    cloud.reached(cloud.execution(root), "AwaitDecision")
    assert run("approve", root, "--reason", "fixed in 1.5").exit_code == 0
    cloud.reached(cloud.execution(root), "AwaitWithdrawal")

    scan = cloud.upload("orders/api.zip", with_errors(2))
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    report = run("report", scan)

    assert "1 new, 1 known, 0 fixed" in report.stdout, report.output
    assert f"{root} was approved by the channel" in report.stdout
    assert run("wait", scan).exit_code == 1
    assert run("verify", "--app", "orders").exit_code == 0
