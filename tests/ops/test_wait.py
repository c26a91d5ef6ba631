"""A scan is followed until its result, which evidence and tag must both say."""

import json
import re
import shlex
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from domain import timestamps
from ops import aws_clock, cli, follow, step_display
from tests.ops.conftest import FUTURE, LATER, PAST, coverage, gate

APPROVED = {"decision": "approved", "reason": "fixed in 1.5", "expiresAt": FUTURE}
NEWER = {"decision": "superseded", "reason": "A newer version was uploaded: Lg8."}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(follow, "SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr(follow, "LONGEST_PAUSE", 0.02)


def over(environment, tag, **parts):
    """A scan of a version with this tag."""
    version = environment.upload(status=tag)
    return environment.scan(version, **parts)


def suggested(text):
    """The commands that a text suggests, each accepted by the command line."""
    commands = re.findall(r"\.venv/bin/python -m ops (.*)", text)
    for command in commands:
        name, *arguments = shlex.split(command)
        cli.load(name).make_context(name, arguments)
    return commands


@pytest.mark.parametrize(
    ("status", "parts", "wait_for", "code", "says"),
    [
        ("passed", {"status": "passed"}, "gate", 0, "passed its quality gate"),
        ("failed", {}, "gate", 1, "people approve it in Slack"),
        ("error", {"status": "error"}, "gate", 2, "failed to run: no zip"),
        ("approved", {"decision": APPROVED}, "decision", 0, "because: fixed in 1.5 (until 1 Jan"),
        ("approved", {"decision": APPROVED}, "gate", 0, "approved by the channel"),
        (
            "rejected",
            {"decision": {"decision": "rejected", "reason": "fix it"}},
            "decision",
            1,
            "rejected by the channel on 1 Jan 2026, 11:00 UTC, because: fix it",
        ),
        (
            "request-expired",
            {"decision": {"decision": "request-expired"}},
            "decision",
            1,
            "the request expired",
        ),
        ("superseded", {"decision": NEWER}, "decision", 1, "wait payments/Lg8"),
        (
            "approval-expired",
            {"decision": {**APPROVED, "expiresAt": LATER}},
            "decision",
            1,
            "its approval expired on 1 Jan 2026",
        ),
        (
            "withdrawn",
            {"decision": APPROVED, "withdrawal": {"reason": "exploited"}},
            "decision",
            1,
            "because: exploited",
        ),
    ],
)
def test_each_ending_has_its_sentence_and_exit_code(
    environment, status, parts, wait_for, code, says
):
    scan = over(environment, status, **parts)

    result = environment.run("wait", scan, "--for", wait_for)

    assert (result.exit_code, says in result.stderr) == (code, True), result.stderr
    suggested(result.stderr)


def test_an_error_names_its_remedy_and_how_to_follow_another_scan(environment):
    problem = {
        "code": "X",
        "message": "The scan ran out of memory.",
        "remediation": "Take a larger machine.",
        "retryable": True,
    }
    scan = over(environment, "error", status="error", error=problem)

    result = environment.run("wait", scan)

    assert result.exit_code == 2
    assert "Take a larger machine." in result.stderr
    assert suggested(result.stderr) == [f"wait {scan} --outputs {environment.outputs}"]


def test_an_error_without_a_report_names_the_remedy_of_the_gate_result(environment):
    scan = over(environment, "error", status="error")
    gate_result = environment.evidence(scan, "gate-result.json")
    environment.put(scan, "gate-result.json", {**gate_result, "remediation": "Upload later."})
    environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{scan}/report.json")

    result = environment.run("wait", scan)

    assert (result.exit_code, "Upload later." in result.stderr) == (2, True), result.stderr


def test_another_scan_of_the_version_is_followed_by_the_id_of_each(environment):
    version = environment.upload(status="passed")
    first = environment.scan(version, "error")
    second = environment.scan(version, "passed", attempt=2)

    for scan in (first, second):
        result = environment.run("wait", scan, "--json")

        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["scan"] == second
    assert f"{first} is scanned again, as {second}" in environment.run("wait", first).stderr


def test_the_second_scan_is_followed_while_the_tag_is_still_that_of_the_first(environment):
    version = environment.upload(status="error")
    first = environment.scan(version, "error")
    opened = environment.evidence(first, "scan.json")
    environment.put(f"{first}.2", "scan.json", {**opened, "scan": f"{first}.2", "attempt": 2})

    result = environment.run("wait", first, "--timeout", "1s")

    assert (result.exit_code, "the scan goes on" in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("tag", "parts", "says"),
    [
        ("passed", {}, "its tag says passed, but its evidence: failed"),
        ("approved", {"decision": {"decision": "rejected"}}, "but its evidence: rejected"),
        (
            "approved",
            {"decision": APPROVED, "withdrawal": {"reason": "no"}},
            "but its evidence: withdrawn",
        ),
        ("", {"status": "passed"}, "its tag says nothing"),
        ("passed", {"status": "passed", "sha256": ""}, "does not say what was scanned"),
        ("passed", {"status": "passed", "evaluated_at": "now"}, "not as the pipeline writes it"),
    ],
    ids=["failed", "rejected", "withdrawn", "never tagged", "nothing scanned", "invalid"],
)
def test_a_tag_that_does_not_follow_from_the_evidence_is_no_answer(environment, tag, parts, says):
    scan = over(environment, tag, **parts)

    result = environment.run("wait", scan, "--json")

    document = json.loads(result.stdout)
    assert (result.exit_code, document["status"]) == (2, "contradictory")
    assert says in document["sentence"]
    assert "report" not in document
    assert suggested(result.stderr) == [f"verify {scan} --outputs {environment.outputs}"]


def test_evidence_about_another_upload_is_no_answer(environment):
    version = environment.upload("payments/other.zip", status="passed")
    scan = environment.scan(version, "passed")
    environment.upload()  # the key that the evidence names
    environment.put(scan, "scan.json", {**environment.evidence(scan, "scan.json"), "bucket": "b"})

    result = environment.run("wait", scan)

    assert (result.exit_code, "about another upload" in result.stderr) == (2, True), result.stderr


def test_a_gate_result_alone_is_no_answer(environment):
    version = environment.upload(status="passed")
    scan = environment.scan(version, "passed")
    environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{scan}/scan.json")

    result = environment.run("wait", scan)

    assert (result.exit_code, "does not say what was scanned" in result.stderr) == (2, True)


def test_a_gate_result_of_a_second_scan_alone_is_no_answer(environment):
    version = environment.upload(status="error")
    first = environment.scan(version, "error")
    second = environment.scan(version, "passed", attempt=2)
    environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{second}/scan.json")

    result = environment.run("wait", first)

    assert (result.exit_code, "does not say what was scanned" in result.stderr) == (2, True)


def test_a_deleted_upload_is_no_answer(environment):
    version = environment.upload()
    scan = environment.scan(version, "passed")
    environment.s3.delete_object(Bucket="uploads", Key="payments/api.zip", VersionId=version)

    result = environment.run("wait", scan)

    assert (result.exit_code, "was deleted" in result.stderr) == (2, True), result.stderr


def test_a_time_out_says_that_the_scan_goes_on_and_how_to_pick_it_up(environment):
    scan = over(environment, "failed")

    result = environment.run("wait", scan, "--for", "decision", "--timeout", "1s")

    assert (result.exit_code, "nobody has decided within 1 s" in result.stderr) == (2, True)
    assert result.stderr.count("waits for Approve or Reject in Slack") == 1
    [command] = suggested(result.stderr)
    assert command == f"wait {scan} --for decision --outputs {environment.outputs}"


def test_a_scan_that_does_not_begin_is_pointed_out_once(environment, monkeypatch):
    monkeypatch.setattr(follow, "BEGINS_WITHIN_SECONDS", 0.1)

    result = environment.run("wait", "payments/3Lg8", "--timeout", "1s")

    assert result.exit_code == 2
    assert result.stderr.count("nothing has begun within") == 1
    assert "no scan has begun within 1 s" in result.stderr


@pytest.mark.parametrize("text", ["30", "soon", "0s", "-1m"])
def test_a_time_out_that_is_no_duration_is_refused(environment, text):
    result = environment.run("wait", "payments/3Lg8", f"--timeout={text}")

    assert (result.exit_code, "30m or 2h" in result.stderr) == (2, True), result.stderr


def test_ctrl_c_says_that_the_scan_goes_on_and_how_to_pick_it_up(environment, monkeypatch):
    scan = over(environment, "failed")

    def interrupt(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    result = environment.run("wait", scan, "--for", "decision")

    assert (result.exit_code, "the scan goes on" in result.stderr) == (130, True)
    assert suggested(result.stderr) == [
        f"wait {scan} --for decision --outputs {environment.outputs}"
    ]


THROTTLED = ClientError(
    {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "ListObjectsV2"
)
UNREACHABLE = EndpointConnectionError(endpoint_url="https://s3.example.com")


@pytest.mark.parametrize("error", [THROTTLED, UNREACHABLE], ids=["throttled", "unreachable"])
def test_aws_may_be_unreachable_for_a_while_once_it_has_answered(environment, asked_first, error):
    scan = over(environment, "failed")
    looks = iter([None, error, error, "decided"])

    def answer(operation, _parameters):
        if operation != "GetObjectTagging":
            return
        look = next(looks, None)
        if isinstance(look, Exception):
            raise look
        if look == "decided":
            put_rejection(environment, scan)
            environment.tag("payments/api.zip", scan.split("/")[1], "rejected")

    asked_first(answer)
    result = environment.run("wait", scan, "--for", "decision", "--timeout", "20s")

    assert (result.exit_code, result.stderr.count("trying again")) == (1, 1), result.stderr
    assert "AWS answers again" in result.stderr


def put_rejection(environment, scan):
    environment.put(
        scan,
        "decision.json",
        {
            "version": 1,
            "scan": scan,
            "decision": "rejected",
            "reason": "fix it",
            "decidedAt": timestamps.iso(datetime.now(UTC)),
            "expiresAt": None,
            "evidence": {"gate-result.json": "0" * 64},
        },
    )


def test_aws_that_stays_unreachable_is_an_error_with_the_command_to_go_on(
    environment, asked_first, monkeypatch
):
    monkeypatch.setattr(follow, "PATIENCE_SECONDS", 0.05)
    scan = over(environment, "failed")
    calls = []

    def answer(operation, _parameters):
        calls.append(operation)
        if calls.count("GetObjectTagging") > 1:
            raise UNREACHABLE

    asked_first(answer)
    result = environment.run("wait", scan, "--for", "decision")

    assert (result.exit_code, "https://s3.example.com" in result.stderr) == (2, True)
    assert len(suggested(result.stderr)) == 1


def test_without_rights_nothing_is_tried_again(environment, denied):
    denied("artifacts")

    result = environment.run("wait", "payments/3Lg8")

    assert (result.exit_code, "right to call ListObjectsV2" in result.stderr) == (2, True)


def test_each_step_is_printed_once_with_its_time_and_untrusted_text_as_one_line(environment):
    key = "payments/a\x1b[31m\nb.zip"
    version = environment.upload(key, status="passed")
    scan = environment.scan(version, "passed", key=key)

    lines = environment.run("wait", scan).stderr.splitlines()

    names = [line.split()[1] for line in lines[:5]]
    assert names == ["Uploaded", "Scanned", "Gate", "Decided", "Cleared"]
    assert [line[0] for line in lines[:5]] == ["✔", "✔", "✔", "-", "✔"]
    assert "payments/a [31m b.zip" in lines[0]
    assert "1 file of code analysed" in lines[1]
    assert re.search(r" \d+ s ", lines[1]), lines[1]


def test_a_terminal_shows_the_steps_live(monkeypatch, environment):
    version = environment.upload(status="passed")
    scan = environment.scan(version, "passed")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")

    text = environment.run("wait", scan).stderr

    assert "\x1b[?25l" in text  # the cursor is hidden meanwhile
    assert text.count("Cleared") >= 1


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_wrong_clock_of_this_machine_changes_neither_times_nor_result(
    environment, monkeypatch, hours
):
    """As of AWS's clock the approval has just been given, or is still valid."""
    now = datetime.now(UTC)
    soon = timestamps.iso(now + timedelta(hours=1))
    decided = {**APPROVED, "expiresAt": soon, "decidedAt": timestamps.iso(now)}
    scan = over(environment, "approved", decision=decided)
    monkeypatch.setattr(timestamps, "now", lambda: now + timedelta(hours=hours))
    read = aws_clock.AwsClock._read

    def with_date(clock, **parts):
        response = SimpleNamespace(headers={"date": format_datetime(now, usegmt=True)})
        read(clock, **{**parts, "http_response": response})

    monkeypatch.setattr(aws_clock.AwsClock, "_read", with_date)
    result = environment.run("wait", scan)

    assert result.exit_code == 0, result.stderr


def test_json_is_the_only_output_and_has_all_of_the_result(environment):
    finding = {
        "rule": "R1", "severity": "HIGH", "message": "not so", "file": "a.py", "line": 3,
        "link": None,
    }  # fmt: skip
    scan = over(environment, "rejected", decision={"decision": "rejected"}, findings=[finding],
                counts={"HIGH": 1})  # fmt: skip

    document = json.loads(environment.run("wait", scan, "--json").stdout)

    assert document.keys() >= {"scan", "status", "exitCode", "sentence", "nextStep", "steps"}
    assert document["decision"]["decidedBy"] == "the channel"
    assert document["report"]["findings"] == [finding]
    assert [step["state"] for step in document["steps"]] == [
        "done", "done", "failed", "done", "failed",
    ]  # fmt: skip
    assert document["uploadedAt"] == PAST


def test_the_twenty_worst_findings_are_printed_and_the_others_counted(environment):
    findings = [
        {"rule": "R\x1b[2J", "severity": "HIGH", "message": "not\nso", "file": "a.py",
         "line": number, "link": None}
        for number in range(1, 21)
    ]  # fmt: skip
    scan = over(
        environment,
        "failed",
        findings=findings,
        counts={"HIGH": 1204},
        gate=gate("failed", unanalysed=2),
        coverage=coverage(unanalysed=2)
        | {
            "files": [
                {"class": "unanalysed", "file": "b.py", "language": "Python", "files": 1,
                 "reason": "syntax error"}
            ]
        },
    )  # fmt: skip

    for command in ("wait", "report"):
        text = environment.run(command, scan).stdout

        assert text.count("not so") == 20
        assert "and 1,184 more" in text
        assert "unanalysed files" in text
        assert re.search(r"b\.py +syntax error", text), text
        assert "and 1 more file" in text
        assert f"s3://artifacts/scans/{scan}/" in text
        assert "\x1b" not in text


def test_a_report_is_asked_for_too_early(environment):
    result = environment.run("report", "payments/3Lg8")

    assert (result.exit_code, "its scan has not begun" in result.stderr) == (2, True)
    assert suggested(result.stderr) == [f"wait payments/3Lg8 --outputs {environment.outputs}"]


def test_the_display_starts_again_for_another_scan():
    display = step_display.StepDisplay()
    display._printed.add(("Uploaded", True))

    display.restart("again")

    assert not display._printed


def test_all_findings_are_written_to_files_not_only_the_worst_twenty(environment):
    finding = {"rule": "R1", "message": "not so", "file": "a.py", "link": None}
    every = [{**finding, "severity": "HIGH", "line": number} for number in range(1, 31)]
    version = environment.upload(status="failed")
    scan = environment.scan(version, findings=every[:20], counts={"HIGH": 30})
    document = {"version": 1, "scan": scan, "app": "payments", "findings": every}
    counts = dict.fromkeys(("BLOCKER", "HIGH", "MEDIUM", "LOW", "INFO"), 0) | {"HIGH": 30}
    environment.put(scan, "findings.json", {**document, "counts": counts, "omitted": 0})
    reported = environment.evidence(scan, "report.json")
    reported["evidence"]["findings.json"] = "0" * 64
    environment.put(scan, "report.json", reported)

    for command in ("wait", "report"):
        file = environment.folder / f"{command}.sarif"
        environment.run(command, scan, "--sarif", str(file))

        assert len(json.loads(file.read_text())["runs"][0]["results"]) == 30


def test_a_file_that_cannot_be_written_is_an_error_before_the_scan_is_followed(environment):
    result = environment.run("wait", "payments/3Lg8", "--junit", "/nowhere/junit.xml")

    assert (result.exit_code, "/nowhere" in result.stderr) == (2, True), result.stderr


def test_the_json_stays_json_beside_annotations_for_github(environment):
    scan = over(environment, "failed")

    result = environment.run("wait", scan, "--json", "--format", "github")

    assert json.loads(result.stdout)["status"] == "failed"
    assert "::error" in result.stderr


@pytest.mark.parametrize(
    ("report", "fix"),
    [(b"[]", "report.json is no JSON object: .venv/bin/python -m ops verify"), (None, "upload")],
    ids=["invalid", "missing"],
)
def test_a_report_that_will_not_come_is_not_to_be_waited_for(environment, report, fix):
    version = environment.upload(status="failed")
    scan = environment.scan(version)
    if report is None:
        environment.s3.delete_object(Bucket="artifacts", Key=f"scans/{scan}/report.json")
    else:
        environment.put(scan, "report.json", report)

    result = environment.run("report", scan)

    assert (result.exit_code, fix in result.stderr) == (2, True), result.stderr
    assert "wait for it" not in result.stderr
