"""Who pressed, from the channel to the evidence and the email."""

import json

import pytest

from local.cloud import Cloud
from tests.local.conftest import FAILING, card_of, mails_about, text_of, version


@pytest.fixture(scope="module")
def cloud():
    with Cloud({"recordWho": "true"}) as running:
        yield running


def test_a_press_by_ada_ends_in_the_evidence_and_the_email(cloud):
    scan = cloud.upload("payments/api.zip", FAILING)
    card = card_of(cloud, scan)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    approve = next(each for each in card.buttons if each.label == "Approve")

    cloud.channel.press(approve, {"Reason": "known, fixed in 1.5"}, user="Ada")

    cloud.reached(cloud.execution(scan), "HoldException")
    evidence = cloud.evidence(scan)
    [record] = [evidence[name] for name in evidence if name.startswith("pressed/")]
    assert (record["userName"], record["verb"]) == ("Ada", "approve")
    assert record["reason"] == evidence["decision.json"]["reason"]

    # Asked once more, now that the log has arrived: the mail names her.
    functions = cloud.client("lambda")
    [announce] = [
        each["FunctionName"]
        for each in functions.list_functions()["Functions"]
        if "-announce-" in each["FunctionName"]
    ]
    functions.invoke(FunctionName=announce, Payload=json.dumps({"scan": scan, "event": "approved"}))
    assert f"Ada ({record['user']})" in text_of(mails_about(cloud, version(scan))[-1])
