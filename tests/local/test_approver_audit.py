"""Who approved, from the channel to the evidence and the email."""

import pytest

from local.account import LocalAccount
from tests.support.account import (
    FAILING,
    card_of,
    change_states,
    mails_about,
    shorten_the_wait_for_the_log,
    text_of,
    version,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud():
    with LocalAccount({"recordApprover": "true"}) as running:
        yield running


def test_a_click_by_ada_ends_in_the_evidence_and_the_email(cloud):
    change_states(cloud, shorten_the_wait_for_the_log)
    scan = cloud.upload("payments/api.zip", FAILING)
    card = card_of(cloud, scan)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    approve = next(button for button in card.buttons if button.label == "Approve")

    cloud.channel.click(approve, {"Reason": "known, fixed in 1.5"}, user="Ada")

    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")
    evidence = cloud.evidence(scan)
    [record] = [evidence[name] for name in evidence if name.startswith("actions/")]
    assert (record["userName"], record["action"]) == ("Ada", "approve")
    assert record["reason"] == evidence["decision.json"]["reason"]

    [mail] = mails_about(cloud, version(scan))
    assert f"Ada ({record['user']})" in text_of(mail)
    assert "Decided by:" in card_of(cloud, scan, "approved until").description
