"""Requests and approvals expire by themselves, and everybody is notified."""

import pytest

from tests.support.account import (
    FAILING,
    card_of,
    click,
    mails_about,
    reject_without_resuming,
    version,
)

pytestmark = pytest.mark.slow


def test_an_undecided_request_expires_and_everybody_is_notified(short_deadline_account):
    scan = short_deadline_account.upload("payments/api.zip", FAILING)

    assert short_deadline_account.ended(short_deadline_account.execution(scan)) == "SUCCEEDED"

    assert short_deadline_account.clearance("payments/api.zip", scan) == "request-expired"
    assert short_deadline_account.evidence(scan)["decision.json"]["decision"] == "request-expired"
    assert len(mails_about(short_deadline_account, version(scan))) == 1
    card = card_of(short_deadline_account, scan, "request expired")
    assert [button.label for button in card.buttons] == ["Scan again"]
    late = short_deadline_account.channel.click(
        card_of(short_deadline_account, scan).buttons[0], {"Reason": "too late"}
    )
    assert late.startswith("Too late")
    assert short_deadline_account.evidence(scan)["decision.json"]["decision"] == "request-expired"


def test_an_expired_exception_sets_the_tag_and_sends_a_card_and_an_email(short_deadline_account):
    scan = short_deadline_account.upload("payments/api.zip", FAILING)
    click(short_deadline_account, scan, "Approve")
    execution = short_deadline_account.execution(scan)

    assert short_deadline_account.ended(execution) == "SUCCEEDED"

    # Approved and expired: it is too short to be reminded of.
    assert short_deadline_account.states(execution).count("Notify") == 2
    assert short_deadline_account.clearance("payments/api.zip", scan) == "approval-expired"
    assert short_deadline_account.evidence(scan)["decision.json"]["decision"] == "approved"
    assert len(mails_about(short_deadline_account, version(scan))) == 2


def test_a_decision_whose_writer_crashed_resumes_the_workflow_without_another_click(
    short_deadline_account,
):
    scan = short_deadline_account.upload("payments/api.zip", FAILING)
    execution = short_deadline_account.execution(scan)
    short_deadline_account.reached(execution, "AwaitDecision")
    reject_without_resuming(short_deadline_account, scan)

    assert short_deadline_account.ended(execution) == "SUCCEEDED"
    assert short_deadline_account.clearance("payments/api.zip", scan) == "rejected"
