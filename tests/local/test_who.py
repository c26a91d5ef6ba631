"""Who pressed, from the channel to the evidence and the email."""

import pytest

from local.cloud import Cloud
from tests.local.conftest import FAILING, card_of


@pytest.fixture(scope="module")
def cloud():
    with Cloud({"recordWho": "true"}) as running:
        yield running


def test_a_press_by_ada_ends_in_the_evidence(cloud):
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
