"""Approvals that are extended, and versions that rest on an exception, with the real functions."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.account import LocalAccount, wait_until
from tests.support.account import QUICK_FAILING, card_of, click, mails_about, scan_quickly, version

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud():
    """An approval is valid for 75 seconds, and covers later versions with nothing new."""
    settings = {"exceptionPeriod": "75s", "maxExceptionPeriod": "1d", "approvalCovers": "findings"}
    with LocalAccount(settings) as running:
        scan_quickly(running)
        yield running
        assert [str(denied) for denied in running.guard.denied] == []


def approved(cloud, key):
    """A version that was approved, and its card about that."""
    scan = cloud.upload(key, QUICK_FAILING)
    click(cloud, scan, "Approve")
    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")
    return scan, card_of(cloud, scan, "approved until")


def button(card, label):
    return next(item for item in card.buttons if item.label == label)


def extend(cloud, card, days, reason="Vendor fix is late", user="Ben"):
    return cloud.channel.click(button(card, "Extend"), {"Reason": reason, "Days": days}, user)


def test_an_extended_version_stays_deployable_without_a_gap(cloud):
    scan, card = approved(cloud, "payments/a.zip")
    first_end = time.time() + 75

    answer = extend(cloud, card, "2h")

    assert answer.startswith(f"Extended: {scan} may be deployed until ")
    extended = card_of(cloud, scan, "extended")
    assert extended.thread == card.thread
    assert [item.label for item in extended.buttons] == ["Withdraw", "Extend"]
    assert "Extended until" in mails_about(cloud, version(scan))[-1]["Subject"]
    while time.time() < first_end + 5:
        assert cloud.clearance("payments/a.zip", scan) == "approved"
        time.sleep(1)
    assert cloud.evidence(scan)["extensions/1.json"]["reason"] == "Vendor fix is late"
    cloud.channel.click(button(extended, "Withdraw"), {"Reason": "in use"})
    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert cloud.clearance("payments/a.zip", scan) == "withdrawn"


def test_of_two_people_who_extend_at_once_each_gets_what_is_stored(cloud):
    scan, card = approved(cloud, "billing/b.zip")

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda days: extend(cloud, card, days), ("2h", "3h")))

    extensions = [name for name in cloud.evidence(scan) if name.startswith("extensions/")]
    written = [answer for answer in answers if answer.startswith("Extended: ")]
    assert len(extensions) == len(written) >= 1
    refused = ("Somebody else was faster", "Nothing was extended")
    assert all(answer.startswith(refused) for answer in answers if answer not in written)
    assert cloud.clearance("billing/b.zip", scan) == "approved"


def test_the_withdrawal_of_an_exception_ends_what_rests_on_it_within_a_minute(cloud):
    root, card = approved(cloud, "orders/a.zip")
    extend(cloud, card, "2h")
    resting = cloud.upload("orders/a.zip", QUICK_FAILING)
    cloud.reached(cloud.execution(resting), "AwaitWithdrawal")
    assert cloud.clearance("orders/a.zip", resting) == "approved"
    assert cloud.evidence(resting)["decision.json"]["restsOn"]["scan"] == root

    cloud.channel.click(button(card, "Withdraw"), {"Reason": "found in use"})

    wait_until(
        lambda: cloud.clearance("orders/a.zip", resting) == "withdrawn", 60, lambda: "no tag"
    )
    assert cloud.ended(cloud.execution(resting)) == "SUCCEEDED"
    assert "withdrawal.json" not in cloud.evidence(resting)
