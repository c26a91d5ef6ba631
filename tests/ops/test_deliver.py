"""A build server, with the rights of an uploader and nothing else, follows what it uploaded."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.account import ACCOUNT, DEPLOYERS, DEVELOPERS, LocalAccount
from tests.scan.uploads import zipped
from tests.support.account import QUICK_FAILING, QUICK_PASSING, click, scan_quickly, with_errors
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


def code_of(tmp_path: Path, errors: int) -> Path:
    """A folder of code in which the scanner finds this number of HIGH findings."""
    folder = tmp_path / "code"
    with zipfile.ZipFile(io.BytesIO(with_errors(errors))) as archive:
        archive.extractall(folder)
    return folder


def scan_of(process: "subprocess.Popen[str]") -> str:
    """Wait for the line of `upload` that names the scan."""
    assert process.stdout
    return next(line.split()[1] for line in process.stdout if line.startswith("scan "))


def test_a_folder_that_passes_ends_with_0(chatops, tmp_path):
    process = chatops("upload", str(code_of(tmp_path, 0)), "--app", "payments", "--wait")

    code, out, err = ended(process)

    assert (code, "payments/code.zip: passed its quality gate" in err) == (0, True), err
    assert "Quality gate passed" in out


def test_a_folder_that_fails_ends_with_1_its_findings_and_how_to_wait_for_people(chatops, tmp_path):
    sarif = tmp_path / "out.sarif"
    words = ["upload", str(code_of(tmp_path, 2)), "--app", "payments", "--wait"]

    code, out, err = ended(chatops(*words, "--sarif", str(sarif)))

    assert code == 1, err
    assert re.search(r"HIGH findings +2 +limit 0", out), out
    assert len(re.findall(r"HIGH +R1 +not so", out)) == 2, out
    assert len(json.loads(sarif.read_text())["runs"][0]["results"]) == 2
    words = suggested(err)
    assert (words[0], words[2:4]) == ("wait", ["--for", "decision"])


def test_an_approval_in_the_channel_meanwhile_ends_with_0(cloud, chatops, tmp_path):
    process = chatops("upload", str(code_of(tmp_path, 1)), "--app", "payments", "--wait=decision")
    scan = scan_of(process)
    decided(cloud, scan, "Approve", "known, fixed in 1.5")

    code, _, err = ended(process)

    assert (code, "because: known, fixed in 1.5" in err) == (0, True), err
    assert re.search(r"✔ Cleared +\d+ s ", err), err
    assert cloud.clearance("payments/code.zip", scan) == "approved"


def test_a_rejection_in_the_channel_meanwhile_ends_with_1_and_its_reason(cloud, chatops, tmp_path):
    process = chatops("upload", str(code_of(tmp_path, 1)), "--app", "payments", "--wait=decision")
    decided(cloud, scan_of(process), "Reject", "fix the shell call first")

    code, _, err = ended(process)

    assert (code, "because: fix the shell call first" in err) == (1, True), err
    # Whether a line says that a decision is awaited depends on how quickly people decide.
    assert [line.split()[:2] for line in err.splitlines() if line[0] in "✔✘"][1:6] == [
        ["✔", "Uploaded"], ["✔", "Scanned"], ["✘", "Gate"], ["✔", "Decided"], ["✘", "Cleared"],
    ]  # fmt: skip


def test_json_is_one_document_about_upload_and_result(chatops, tmp_path):
    words = ["upload", str(code_of(tmp_path, 1)), "--app", "payments", "--commit", "4f" * 20]

    code, out, err = ended(chatops(*words, "--wait", "--json", "--format", "github"))

    document = json.loads(out)
    assert (code, document["status"], document["exitCode"]) == (1, "failed", 1), err
    assert document["key"] == "payments/code.zip"
    assert len(document["sha256"]) == 64
    seconds = {step["name"]: step["seconds"] for step in document["steps"]}
    assert None not in [seconds[name] for name in ("Uploaded", "Scanned", "Gate")]
    [version] = [
        row
        for row in json.loads(ended(chatops("status", "payments", "--json"))[1])
        if row["scan"] == document["scan"]
    ]
    assert version["commit"] == "4f" * 20


def test_a_zip_that_cannot_be_read_ends_with_2_and_what_to_do(cloud, chatops):
    # `upload` refuses it, so it comes from elsewhere.
    scan = cloud.upload(KEY, b"this is no zip")

    code, out, err = ended(chatops("wait", scan))

    assert (code, "not a zip" in err.lower()) == (2, True), err
    assert "THE SCAN FAILED TO RUN" in out


def test_ctrl_c_leaves_the_scan_running_and_the_printed_command_picks_it_up(
    cloud, chatops, tmp_path
):
    process = chatops("upload", str(code_of(tmp_path, 1)), "--app", "payments", "--wait=decision")
    scan = scan_of(process)
    assert process.stderr
    gate = next(line for line in process.stderr if "Gate" in line)
    process.send_signal(signal.SIGINT)

    code, _, err = ended(process)

    assert (code, "the scan goes on" in err) == (130, True), gate + err
    assert cloud.status(cloud.execution(scan)) == "RUNNING"
    again = chatops(*suggested(err))
    decided(cloud, scan, "Approve", "known and harmless")
    assert ended(again)[0] == 0


def test_two_builds_at_once_have_a_version_and_an_ending_each(cloud, chatops, tmp_path):
    words = ["upload", str(code_of(tmp_path, 1)), "--app", "payments-twice", "--wait=decision"]
    processes = [chatops(*words) for _ in range(2)]
    scans = [scan_of(process) for process in processes]
    for scan in scans:
        cloud.reached(cloud.execution(scan), "AwaitDecision")
    # The newer one supersedes the older one, whose card may have no buttons any more.
    for scan in scans:
        action = {"scan": scan, "approve": ["known and harmless", ""]}
        cloud.client("lambda").invoke(
            FunctionName=cloud.outputs["approvalFunction"], Payload=json.dumps(action)
        )

    endings = [ended(process) for process in processes]

    assert len(set(scans)) == 2
    assert sorted(code for code, *_ in endings) == [0, 1], endings
    assert any("superseded" in err for *_, err in endings), endings


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
        (["upload", "samples/payments", "--app", "orders", "--wait"], {}, "you may not upload"),
        (
            ["upload", "samples/payments", "--app", "payments", "--wait"],
            {"endpoint": "http://127.0.0.1:9"},
            "check the network",
        ),
        (["wait", "orders/3Lg8"], {}, "ask for the right to call ListObjectsV2"),
        (["status", "orders"], {}, "ask for the right to call ListObjectsV2"),
        (["wait", "payments/3Lg8"], {"by": "nobody"}, "ask for the right"),
        (["wait", "payments/3Lg8"], {"endpoint": "http://127.0.0.1:9"}, "check the network"),
        (["wait", "payments/3Lg8", "--timeout", "2s"], {}, "no scan has begun within 2 s"),
        (["wait", "payments"], {}, "no scan's id"),
        (["report", "payments/3Lg8"], {}, "its scan has not begun"),
    ],
    ids=[
        "upload to the wrong app",
        "upload without a network",
        "wrong app",
        "its list",
        "no rights",
        "no network",
        "unknown scan",
        "no id",
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
