"""The whole pipeline on a real SonarQube server."""

import re
import urllib.request

import pytest

from local.account import LocalAccount
from tests.scan.uploads import zipped
from tests.sonarqube.trees import BAD
from tests.support.account import PASSING, card_of, click, mails_about, version

pytestmark = pytest.mark.sonarqube


@pytest.fixture(scope="module")
def cloud(server):
    settings = {"scanners": '["sonarqube"]', "sonarHostUrl": server.url, "sonarToken": server.token}
    with LocalAccount(settings) as running:
        yield running


def test_a_failed_gate_is_reported_approved_and_mailed(cloud, server):
    scan = cloud.upload("payments/api.zip", zipped(BAD))

    card = card_of(cloud, scan, seconds=240)
    assert "SonarQube" in card.description
    links = re.findall(rf"<({re.escape(server.url)}[^|>]*)\|", card.description)
    assert links
    for link in links:
        with urllib.request.urlopen(link.replace("&amp;", "&"), timeout=30) as page:
            assert page.status == 200

    click(cloud, scan, "Approve", "known, fixed in 1.5")
    # After the email, since the function reads the approval before it, too.
    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")

    [mail] = mails_about(cloud, version(scan))
    assert "Approved until" in mail["Subject"]
    assert cloud.clearance("payments/api.zip", scan) == "approved"
    assert server.token not in "\n".join(cloud.build_log(scan))


def test_a_passed_gate_sends_no_notification(cloud):
    scan = cloud.upload("inventory.zip", PASSING)

    assert cloud.ended(cloud.execution(scan), seconds=240) == "SUCCEEDED"
    assert cloud.clearance("inventory.zip", scan) == "passed"
    assert cloud.evidence(scan)["report.json"]["gate"]["judge"] == "sonarqube"
