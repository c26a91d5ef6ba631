"""Complete lifecycles: real zip, real scanner, packaged handlers, clicked buttons."""

import json
import threading

import pytest

from tests.scan.uploads import zipped
from tests.support.account import (
    FAILING,
    PASSING,
    card_of,
    click,
    mails_about,
    recorded_uploader,
    reject_without_resuming,
    text_of,
    version,
)


def test_a_passed_gate_clears_the_version_and_sends_no_notification(cloud):
    scan = cloud.upload("inventory.zip", PASSING)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"

    assert cloud.clearance("inventory.zip", scan) == "passed"
    assert [card for card in cloud.channel.cards if card.scan == scan] == []
    assert "ada@example.com" in recorded_uploader(cloud, scan)["principalId"]
    assert cloud.evidence(scan).keys() == {
        "scan.json",
        "uploader.json",
        "findings.json",
        "report.json",
        "scanner.log",
        "gate-result.json",
    }


@pytest.mark.slow
def test_an_approval_clears_the_version_until_the_exception_expires(cloud):
    scan = cloud.upload("payments/api.zip", FAILING)

    answer = click(cloud, scan, "Approve", "known, fixed in 1.5")
    execution = cloud.execution(scan)
    cloud.reached(execution, "AwaitWithdrawal")

    assert answer.startswith("Approved")
    assert cloud.clearance("payments/api.zip", scan) == "approved"
    decision = cloud.evidence(scan)["decision.json"]
    assert (decision["decision"], decision["reason"]) == ("approved", "known, fixed in 1.5")
    [mail] = mails_about(cloud, version(scan))
    assert "Approved until" in mail["Subject"]
    assert "known, fixed in 1.5" in text_of(mail, "html")
    buttons = card_of(cloud, scan, "known, fixed in 1.5").buttons
    assert [(button.label, button.asks) for button in buttons] == [
        ("Withdraw", ("Reason",)),
        ("Extend", ("Reason", "Days")),
    ]
    assert cloud.evidence(scan).keys() >= {"gate-result.json", "decision.json"}


def test_a_rejection_blocks_the_version_and_ends_the_lifecycle(cloud):
    scan = cloud.upload("payments/api.zip", FAILING)

    click(cloud, scan, "Reject", "fix the shell call first")

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert cloud.clearance("payments/api.zip", scan) == "rejected"
    [mail] = mails_about(cloud, version(scan))
    assert "fix the shell call first" in text_of(mail)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "says", "buttons"),
    [
        (b"this is no zip", "not a zip", []),
        pytest.param(FAILING[:-40], "zip", [], marks=pytest.mark.slow),
        pytest.param(zipped({}), "no files", [], marks=pytest.mark.slow),
        # Another engine, or another limit, may change the result.
        (zipped({"README.md": "only words"}), "analys", ["Scan again"]),
    ],
    ids=["no zip", "cut off", "empty", "nothing to analyse"],
)
def test_a_zip_that_cannot_be_scanned_is_reported_in_the_channel(cloud, body, says, buttons):
    scan = cloud.upload("payments/api.zip", body)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"

    card = card_of(cloud, scan)
    assert says in (card.title + card.description).lower()
    assert [button.label for button in card.buttons] == buttons
    assert cloud.clearance("payments/api.zip", scan) == "error"


SHELL = "import subprocess\nsubprocess.run(cmd, shell=True)"


@pytest.mark.parametrize(
    "files",
    [{"a.py": SHELL + "  # nosec"}, {".tox/a.py": SHELL, "b.py": "x = 1"}],
    ids=["a comment", "a folder that the tool leaves out"],
)
@pytest.mark.slow
def test_code_cannot_exclude_itself_from_the_scan(cloud, files):
    scan = cloud.upload("payments/api.zip", zipped(files))

    assert card_of(cloud, scan).buttons
    assert cloud.clearance("payments/api.zip", scan) == "failed"


@pytest.mark.slow
def test_code_cannot_hide_in_a_file_that_the_scanner_cannot_read(cloud):
    files = {"hidden.py": SHELL + "\nx = " + "1+" * 3000 + "1", "shown.py": "x = 1"}
    scan = cloud.upload("payments/api.zip", zipped(files))

    card = card_of(cloud, scan)
    assert "hidden.py" in card.description
    assert [button.label for button in card.buttons] == ["Approve", "Reject"]
    assert cloud.clearance("payments/api.zip", scan) == "failed"


@pytest.mark.slow
def test_a_key_of_any_script_is_processed(cloud):
    scan = cloud.upload("payments/ünï 😀 zip.zip", PASSING)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"
    assert cloud.clearance("payments/ünï 😀 zip.zip", scan) == "passed"


def test_a_key_without_an_app_name_is_reported_in_the_channel_and_never_scanned(cloud):
    scan = cloud.upload("<!here> $(id)/x.zip", PASSING)

    assert cloud.ended(cloud.execution(scan)) == "SUCCEEDED"

    card = card_of(cloud, scan)
    assert "<!here>" not in json.dumps(card.raw)
    assert "Scan" not in cloud.states(cloud.execution(scan))


@pytest.mark.slow
def test_simultaneous_uploads_are_each_scanned_once(cloud):
    scans = [cloud.upload("twins/a.zip", FAILING), cloud.upload("twins/b.zip", FAILING)]

    assert len(set(scans)) == 2
    for scan in scans:
        card_of(cloud, scan)
        assert version(scan) in json.dumps(cloud.evidence(scan)["report.json"])
    buttons_of = [card.scan for card in cloud.channel.cards if card.scan in scans]
    assert sorted(buttons_of) == sorted(scans)


@pytest.mark.slow
def test_a_duplicate_event_ends_its_execution_at_open_scan(cloud):
    scan = cloud.upload("inventory.zip", PASSING)
    first = cloud.execution(scan)
    event = json.loads(
        cloud.client("stepfunctions").describe_execution(executionArn=first)["input"]
    )

    cloud.deliver(event)
    repeated = cloud.others(event, first, seconds=10)[0]

    assert cloud.ended(repeated) == "SUCCEEDED"
    assert cloud.states(repeated)[-1] == "DuplicateEvent"
    assert cloud.ended(first) == "SUCCEEDED"
    assert len(cloud.builds.all_of(scan)) == 1


@pytest.mark.slow
def test_two_simultaneous_clicks_have_one_outcome(cloud):
    scan = cloud.upload("payments/api.zip", FAILING)
    card = card_of(cloud, scan)
    execution = cloud.execution(scan)
    cloud.reached(execution, "AwaitDecision")
    answers = {}

    def click(button):
        answers[button.label] = cloud.channel.click(button, {"Reason": "my own opinion"})

    clicks = [threading.Thread(target=click, args=[item]) for item in card.buttons]
    for item in clicks:
        item.start()
    for item in clicks:
        item.join()
    cloud.reached(execution, "Notify")

    decision = cloud.evidence(scan)["decision.json"]["decision"]
    assert all(decision in answer.lower() for answer in answers.values()), answers
    assert cloud.clearance("payments/api.zip", scan) == decision


@pytest.mark.slow
def test_a_decision_whose_writer_crashed_resumes_the_workflow_at_the_next_click(cloud):
    scan = cloud.upload("payments/api.zip", FAILING)
    execution = cloud.execution(scan)
    cloud.reached(execution, "AwaitDecision")
    reject_without_resuming(cloud, scan)

    answer = click(cloud, scan, "Approve")

    assert "rejected" in answer.lower()
    assert cloud.ended(execution) == "SUCCEEDED"
    assert cloud.clearance("payments/api.zip", scan) == "rejected"
