"""One app over five versions: what approving findings once means for those that follow."""

import json
from typing import Any

import pytest

from local.account import LocalAccount
from local.channel import Card
from tests.scan.uploads import zipped
from tests.support.account import card_of, click, scan_quickly, version

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud():
    with LocalAccount({"approvalCovers": "findings"}) as running:
        scan_quickly(running)
        yield running
        assert [str(denied) for denied in running.guard.denied] == []


def with_findings(*names: str, unread: str = "") -> bytes:
    """A zip with a file for each of ``names``, for each of which a scan reports an error.

    ``unread`` is the content of a further file, which the scanner cannot read.
    """
    results = [
        {
            "ruleId": name.upper(),
            "level": "error",
            "message": {"text": f"About {name}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"{name}.py"},
                        "region": {"startLine": 1},
                    }
                }
            ],
        }
        for name in names
    ]
    notices: list[Any] = []
    if unread:
        location = {"physicalLocation": {"artifactLocation": {"uri": "unread.py"}}}
        notices = [{"message": {"text": "syntax error"}, "level": "error", "locations": [location]}]
    run = {
        "tool": {"driver": {"name": "Test", "version": "1"}},
        "results": results,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notices}],
    }
    sources = {f"{name}.py": f"{name} = 1\n" for name in ("app", *names)}
    more = {"unread.py": unread} if unread else {}
    sarif = json.dumps({"version": "2.1.0", "runs": [run]})
    return zipped({**sources, **more, "found.sarif": sarif})


def upload(cloud: LocalAccount, app: str, *names: str, unread: str = "") -> str:
    return cloud.upload(f"{app}/api.zip", with_findings(*names, unread=unread))


def approved(cloud: LocalAccount, app: str, *names: str, unread: str = "") -> str:
    """Upload a version and approve it."""
    scan = upload(cloud, app, *names, unread=unread)
    assert click(cloud, scan, "Approve", "fixed in 2.0").startswith("Approved")
    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")
    return scan


def covered(cloud: LocalAccount, scan: str) -> Card:
    """Wait until a version is approved under an exception; return its card."""
    cloud.reached(cloud.execution(scan), "AwaitWithdrawal")
    assert cloud.clearance(f"{scan.partition('/')[0]}/api.zip", scan) == "approved"
    return card_of(cloud, scan, "under an exception")


def asks(cloud: LocalAccount, scan: str) -> Card:
    """Wait for the card that asks about a version; return it."""
    card = card_of(cloud, scan, "quality gate failed")
    assert "Approve" in [button.label for button in card.buttons]
    return card


def test_the_story_of_five_versions_is_in_the_threads_that_asked(cloud):
    first = approved(cloud, "payments", "a", "b")
    second = upload(cloud, "payments", "a", "b")
    card = covered(cloud, second)
    assert card.thread == first
    assert f"version {version(first)[:8]}" in card.description
    assert "fixed in 2.0" in card.description
    assert [card.title for card in cloud.channel.cards if card.scan == second] == [card.title]

    third = upload(cloud, "payments", "a", "b", "c")
    question = asks(cloud, third)
    assert "1 new finding, 2 known, 0 fixed" in question.description
    assert question.description.index("`c.py:1`") < question.description.index("`a.py:1`")
    assert "2 findings are approved with api" in question.description
    click(cloud, third, "Reject", "not this one")
    cloud.ended(cloud.execution(third))

    fourth = upload(cloud, "payments")
    passes = card_of(cloud, fourth, "passes again")
    assert passes.thread == third
    assert "0 new findings, 0 known, 3 fixed" in passes.description
    assert cloud.ended(cloud.execution(fourth)) == "SUCCEEDED"
    assert cloud.clearance("payments/api.zip", fourth) == "passed"

    fifth = upload(cloud, "payments")
    assert cloud.ended(cloud.execution(fifth)) == "SUCCEEDED"
    assert [card for card in cloud.channel.cards if card.scan == fifth] == []


def test_withdrawing_an_exception_ends_the_versions_that_rest_on_it(cloud):
    root = approved(cloud, "web", "a")
    second = upload(cloud, "web", "a")
    covered(cloud, second)

    button = next(
        item for item in card_of(cloud, root, "approved until").buttons if item.label == "Withdraw"
    )
    assert cloud.channel.click(button, {"Reason": "found in use"}).startswith("Withdrawn")

    for scan in (root, second):
        assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
        assert cloud.clearance("web/api.zip", scan) == "withdrawn"
    assert version(second)[:8] in card_of(cloud, root, "approval withdrawn").description
    # So soon after its approval the version says so itself, too.
    assert "with the exception of" in card_of(cloud, second, "approval withdrawn").description
    asks(cloud, upload(cloud, "web", "a"))


def test_an_unanalysed_file_that_changed_asks(cloud):
    approved(cloud, "batch", unread="print 'paid'\n")
    covered(cloud, upload(cloud, "batch", unread="print 'paid'\n"))

    asks(cloud, upload(cloud, "batch", unread="print 'changed'\n"))
