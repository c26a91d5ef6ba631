"""Requests and exceptions end by themselves, and everybody hears of it."""

from tests.local.conftest import FAILING, card_of, mails_about, press, reject_and_die, version


def test_a_request_that_nobody_answers_expires_and_everybody_hears_of_it(hasty_cloud):
    scan = hasty_cloud.upload("payments/api.zip", FAILING)

    assert hasty_cloud.ended(hasty_cloud.execution(scan)) == "SUCCEEDED"

    assert hasty_cloud.clearance("payments/api.zip", scan) == "expired"
    assert hasty_cloud.evidence(scan)["decision.json"]["verdict"] == "expired"
    assert len(mails_about(hasty_cloud, version(scan))) == 1
    told = card_of(hasty_cloud, scan, "nobody decided")
    assert [each.label for each in told.buttons] == ["Scan again"]
    late = hasty_cloud.channel.press(card_of(hasty_cloud, scan).buttons[0], {"Reason": "too late"})
    assert late.startswith("Too late")
    assert hasty_cloud.evidence(scan)["decision.json"]["verdict"] == "expired"


def test_an_exception_ends_with_a_tag_a_card_and_an_email(hasty_cloud):
    scan = hasty_cloud.upload("payments/api.zip", FAILING)
    press(hasty_cloud, scan, "Approve")
    execution = hasty_cloud.execution(scan)

    assert hasty_cloud.ended(execution) == "SUCCEEDED"

    assert hasty_cloud.states(execution)[-1] == "Ended"
    # It is shorter than the reminder's time before the end.
    assert "AnnounceEnding" not in hasty_cloud.states(execution)
    assert hasty_cloud.clearance("payments/api.zip", scan) == "expired"
    assert hasty_cloud.evidence(scan)["decision.json"]["verdict"] == "approved"
    assert len(mails_about(hasty_cloud, version(scan))) == 2


def test_a_decision_whose_writer_died_is_followed_without_another_press(hasty_cloud):
    scan = hasty_cloud.upload("payments/api.zip", FAILING)
    execution = hasty_cloud.execution(scan)
    hasty_cloud.reached(execution, "AwaitDecision")
    reject_and_die(hasty_cloud, scan)

    assert hasty_cloud.ended(execution) == "SUCCEEDED"
    assert "NobodyDecided" not in hasty_cloud.states(execution)
    assert hasty_cloud.clearance("payments/api.zip", scan) == "rejected"
