"""Two different people must approve, by their clicks and the chat service's log."""

import pytest

from tests.support.account import QUICK_FAILING, approve, card_of, click, four_eyes_account

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud():
    with four_eyes_account(approvals="2") as running:
        yield running


def test_two_different_people_approve_and_who_uploaded_is_none_of_them(cloud):
    scan = cloud.upload("payments/a.zip", QUICK_FAILING)

    assert approve(cloud, scan, "Ada", "mine").startswith("Recorded. 2 different people")
    approve(cloud, scan, "Ben", "known, fixed in 1.5")
    partly = card_of(cloud, scan, "1 of 2")
    assert [item.label for item in partly.buttons] == ["Approve", "Reject"]
    assert cloud.clearance("payments/a.zip", scan) == "failed"
    approve(cloud, scan, "Ben", "once more")
    approve(cloud, scan, "Eve", "agreed")

    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")
    assert cloud.clearance("payments/a.zip", scan) == "approved"
    decision = cloud.evidence(scan)["decision.json"]
    assert {one["userName"] for one in decision["approvals"]} == {"Ben", "Eve"}
    assert "agreed" in decision["reason"]


def test_one_of_two_who_rejects_ends_it(cloud):
    scan = cloud.upload("payments/b.zip", QUICK_FAILING)
    approve(cloud, scan, "Ben", "known, fixed in 1.5")

    answer = click(cloud, scan, "Reject", "not this one", "Eve")

    # The record of Ben's click resumes the execution as well, perhaps at this moment.
    assert answer.startswith((f"Rejected: {scan}", f"Recorded as rejected: {scan}"))
    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert cloud.clearance("payments/b.zip", scan) == "rejected"
