"""Who uploaded must not approve: known after the fact, by the chat service's log."""

import pytest

from local.channel import member_id
from tests.support.account import QUICK_FAILING, approve, card_of, four_eyes_account

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud():
    with four_eyes_account() as running:
        yield running


def test_an_approval_by_who_uploaded_is_taken_back_at_once(cloud):
    scan = cloud.upload("payments/a.zip", QUICK_FAILING)

    approve(cloud, scan, "Ada", "it is harmless")

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert cloud.clearance("payments/a.zip", scan) == "withdrawn"
    withdrawal = cloud.evidence(scan)["withdrawal.json"]
    assert withdrawal["rule"] == "self-approval"
    assert withdrawal["reason"].startswith(f"Ada ({member_id('Ada')}) uploaded this version")
    assert card_of(cloud, scan, "uploaded this version")


def test_an_approval_by_somebody_else_holds(cloud):
    scan = cloud.upload("payments/b.zip", QUICK_FAILING)

    approve(cloud, scan, "Ben", "it is harmless")

    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")
    assert cloud.clearance("payments/b.zip", scan) == "approved"
    assert "withdrawal.json" not in cloud.evidence(scan)
