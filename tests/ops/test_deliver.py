"""A build server, with the rights of an uploader and nothing else, follows what it uploaded."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.account import ACCOUNT, DEPLOYERS, DEVELOPERS, LocalAccount
from tests.scan.uploads import zipped
from tests.support.account import QUICK_FAILING, QUICK_PASSING, click, scan_quickly
from tests.support.policy_evaluator import needs_engine

pytestmark = [pytest.mark.slow, needs_engine]

ROOT = Path(__file__).parents[2]
KEY = "payments/api.zip"
# Another engine may find code in it, so it may be scanned again.
WORDS = zipped({"README.md": "only words"})
Chatops = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    """Developers may upload the apps payments*; builds are quick."""
    uploaders = {"payments*": [f"arn:aws:iam::{ACCOUNT}:role/{DEVELOPERS}"]}
    settings = {"decisionWindow": "10m", "uploaders": json.dumps(uploaders)}
    with LocalAccount(settings) as running:
        scan_quickly(running)
        yield running


@pytest.fixture
def chatops(cloud: LocalAccount, tmp_path: Path) -> Iterator[Chatops]:
    """Start a command as another process; ``by`` is a role, ``endpoint`` replaces the account's."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(cloud.outputs))
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, by: str = DEVELOPERS, endpoint: str = "") -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": endpoint or cloud.endpoint,
            "AWS_ACCESS_KEY_ID": f"{by}@build-42",
            "AWS_SECRET_ACCESS_KEY": "local",
            "CHATOPS_OUTPUTS": str(outputs),
        }
        command = [sys.executable, "-m", "ops", *words]
        started.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]", seconds: float = 60) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def suggested(text: str) -> list[str]:
    """The words of the command that a text suggests."""
    [command] = re.findall(r"\.venv/bin/python -m ops (.*)", text)
    return shlex.split(command)


def decided(cloud: LocalAccount, scan: str, label: str, reason: str) -> None:
    """Click a button of the scan's card, in the background."""
    threading.Thread(target=click, args=[cloud, scan, label, reason], daemon=True).start()


def test_a_version_that_passes_ends_with_0(cloud, chatops):
    scan = cloud.upload("payments-inventory/api.zip", QUICK_PASSING)

    code, out, err = ended(chatops("wait", scan))

    assert (code, "passed its quality gate" in err) == (0, True), err
    assert "Quality gate passed" in out


def test_a_failed_gate_ends_with_1_its_findings_and_how_to_wait_for_people(cloud, chatops):
    scan = cloud.upload(KEY, QUICK_FAILING)

    code, out, err = ended(chatops("wait", scan))

    assert code == 1, err
    assert re.search(r"HIGH findings +1 +limit 0", out), out
    assert re.search(r"HIGH +R1 +not so", out), out
    assert suggested(err)[:4] == ["wait", scan, "--for", "decision"]


def test_an_approval_in_the_channel_meanwhile_ends_with_0(cloud, chatops):
    scan = cloud.upload(KEY, QUICK_FAILING)
    process = chatops("wait", scan, "--for", "decision", "--json")
    decided(cloud, scan, "Approve", "known, fixed in 1.5")

    code, out, err = ended(process)

    document = json.loads(out)
    assert (code, document["status"]) == (0, "approved"), err
    assert document["decision"]["reason"] == "known, fixed in 1.5"
    seconds = {step["name"]: step["seconds"] for step in document["steps"]}
    assert None not in seconds.values()
    assert cloud.clearance(KEY, scan) == "approved"


def test_a_rejection_ends_with_1_and_its_reason(cloud, chatops):
    scan = cloud.upload(KEY, QUICK_FAILING)
    process = chatops("wait", scan, "--for", "decision")
    decided(cloud, scan, "Reject", "fix the shell call first")

    code, _, err = ended(process)

    assert (code, "because: fix the shell call first" in err) == (1, True), err
    assert [line.split()[:2] for line in err.splitlines()[:6]] == [
        ["✔", "Uploaded"], ["✔", "Scanned"], ["✘", "Gate"],
        ["…", "Decided"], ["✔", "Decided"], ["✘", "Cleared"],
    ]  # fmt: skip


def test_a_zip_that_cannot_be_read_ends_with_2_and_what_to_do(cloud, chatops):
    scan = cloud.upload(KEY, b"this is no zip")

    code, out, err = ended(chatops("wait", scan))

    assert (code, "not a zip" in err.lower()) == (2, True), err
    assert "THE SCAN FAILED TO RUN" in out


def test_ctrl_c_leaves_the_scan_running_and_the_printed_command_picks_it_up(cloud, chatops):
    scan = cloud.upload(KEY, QUICK_FAILING)
    process = chatops("wait", scan, "--for", "decision")
    assert process.stderr
    gate = next(line for line in process.stderr if "Gate" in line)
    process.send_signal(signal.SIGINT)

    code, _, err = ended(process)

    assert (code, "the scan goes on" in err) == (130, True), gate + err
    assert cloud.status(cloud.execution(scan)) == "RUNNING"
    again = chatops(*suggested(err))
    decided(cloud, scan, "Approve", "known and harmless")
    assert ended(again)[0] == 0


def test_an_older_version_is_superseded_by_the_newer_one_and_each_has_its_own_ending(
    cloud, chatops
):
    older = cloud.upload("payments-twins/api.zip", QUICK_FAILING)
    cloud.reached(cloud.execution(older), "AwaitDecision")
    first = chatops("wait", older, "--for", "decision")
    newer = cloud.upload("payments-twins/api.zip", QUICK_FAILING)
    second = chatops("wait", newer, "--for", "decision")
    decided(cloud, newer, "Approve", "known and harmless")

    code, _, err = ended(first)

    assert (code, suggested(err)[:2]) == (1, ["wait", newer]), err
    assert ended(second)[0] == 0


def test_a_scan_again_is_followed_by_the_command_that_the_error_named(cloud, chatops):
    scan = cloud.upload("payments-empty/api.zip", WORDS)

    code, _, err = ended(chatops("wait", scan))

    assert code == 2, err
    cloud.ended(cloud.execution(scan))
    words = suggested(err)
    rescan = cloud.client("lambda").invoke(
        FunctionName=cloud.outputs["rescanFunction"], Payload=json.dumps({"scan": scan})
    )
    assert "again" in rescan["Payload"].read().decode()
    cloud.execution(f"{scan}.2")
    code, _, err = ended(chatops(*words))
    assert (code, f"scanned again, as {scan}.2" in err) == (2, True), err


def test_a_version_that_was_deleted_meanwhile_ends_with_2(cloud, chatops):
    scan = cloud.upload("payments-deleted/api.zip", QUICK_PASSING)
    cloud.ended(cloud.execution(scan))
    cloud.client("s3").delete_object(
        Bucket=cloud.outputs["uploadBucket"],
        Key="payments-deleted/api.zip",
        VersionId=scan.split("/")[1],
    )

    code, _, err = ended(chatops("wait", scan))

    assert (code, "deleted" in err) == (2, True), err


@pytest.mark.parametrize(
    ("words", "options", "says"),
    [
        (["wait", "orders/3Lg8"], {}, "ask for the right to call ListObjectsV2"),
        (["status", "orders"], {}, "ask for the right to call ListObjectsV2"),
        (["wait", "payments/3Lg8"], {"by": "nobody"}, "ask for the right"),
        (["wait", "payments/3Lg8"], {"endpoint": "http://127.0.0.1:9"}, "check the network"),
        (["wait", "payments/3Lg8", "--timeout", "2s"], {}, "no scan has begun within 2 s"),
        (["wait", "payments"], {}, "no scan's id"),
        (["report", "payments/3Lg8"], {}, "its scan has not begun"),
    ],
    ids=[
        "wrong app",
        "its list",
        "no rights",
        "no network",
        "unknown scan",
        "no scan",
        "no report",
    ],
)
def test_without_an_answer_there_is_a_sentence_and_2(chatops, words, options, says):
    code, out, err = ended(chatops(*words, **options))

    assert (code, out, says in err) == (2, "", True), err


def test_an_uploader_reads_report_and_status_of_its_app(cloud, chatops):
    scan = cloud.upload("payments-read/api.zip", QUICK_FAILING)
    assert ended(chatops("wait", scan))[0] == 1

    report = ended(chatops("report", scan))
    status = ended(chatops("status", "payments-read", "--json"))

    assert (report[0], "HIGH findings" in report[1]) == (0, True), report
    [row] = json.loads(status[1])
    assert (row["scan"], row["status"]) == (scan, "failed")


def test_a_deployer_waits_for_the_approval_and_fetches(cloud, chatops, tmp_path):
    scan = cloud.upload("payments-deployed/api.zip", QUICK_FAILING)
    target = tmp_path / "api.zip"
    process = chatops("fetch", "payments-deployed", "--wait", "--to", str(target), by=DEPLOYERS)
    decided(cloud, scan, "Approve", "known and harmless")

    code, _, err = ended(process)

    assert (code, target.read_bytes()) == (0, QUICK_FAILING), err
