"""The result of a scan, from recorded builds and reports."""

import contextlib
import hashlib
import logging
import time

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from jsonschema import Draft202012Validator

from domain.schema import load
from handlers import build, check_build_status
from tests.handlers.conftest import UPLOADS

SCAN = "payments/3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE"
GROUP, STREAM = (
    "/aws/codebuild/chatops-slack-dev-scan-5d6e7f8",
    "7c1d0f0e-3b7a-4a52-9a0e-2f0c8c6c5b11",
)


@pytest.fixture
def check(artifacts, recorded):
    """Run the handler on a recorded event; ``report`` is what the scan wrote."""

    def check(event, report=None):
        if report is not None:
            document = recorded(report) if isinstance(report, str) else report
            artifacts[f"scans/{SCAN}/report.json"] = document
        return check_build_status.handler(recorded(event), None)

    return check


@pytest.fixture
def build_log(aws):
    """The log of the recorded builds."""
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    now = int(time.time() * 1000)  # CloudWatch Logs takes no events from far away

    def compose(*lines):
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName=STREAM,
            logEvents=[{"timestamp": now + n, "message": m} for n, m in enumerate(lines)],
        )

    return compose


@pytest.mark.parametrize(
    "name", ["report-passed", "report-failed", "report-unanalysed", "report-broken"]
)
def test_the_recorded_reports_keep_the_schema_of_the_scan(recorded, request, name):
    Draft202012Validator(load("report")).validate(recorded(name))


def digest(artifacts, name):
    body = artifacts.s3.get_object(Bucket="artifacts", Key=f"scans/{SCAN}/{name}")["Body"].read()
    return hashlib.sha256(body).hexdigest()


def test_a_passed_gate_sends_no_notification(check, artifacts):
    assert check("passed", "report-passed") == {
        "status": "passed",
        "reason": "The quality gate passed.",
        "card": None,
        "thread": SCAN,
        "opening": None,
        "sha256": digest(artifacts, "gate-result.json"),
    }


def test_a_gate_result_names_the_sha256_of_its_sources(check, artifacts, recorded):
    artifacts[f"scans/{SCAN}/scan.json"] = recorded("scan")
    check("failed", "report-failed")

    gate_result = artifacts[f"scans/{SCAN}/gate-result.json"]
    assert (gate_result["scan"], gate_result["status"]) == (SCAN, "failed")
    assert gate_result["evidence"] == {
        name: digest(artifacts, name) for name in ("scan.json", "report.json")
    }


def test_a_gate_result_is_written_once(check, artifacts):
    first = check("failed", "report-failed")

    assert check("no-report", "report-passed") == first
    assert artifacts[f"scans/{SCAN}/gate-result.json"]["status"] == "failed"


@pytest.mark.parametrize("event", ["broken", "state-timed-out", "stopped"])
def test_a_passed_report_of_a_failed_build_is_not_trusted(check, event):
    """Code that took over the scanner could have written it."""
    result = check(event, "report-passed")

    assert result["status"] == "error"
    assert (
        result["reason"] == "The report says that the gate passed, but its build did not succeed."
    )


@pytest.fixture
def judge_upload(artifacts, recorded):
    """Upload a version whose gate failed; return how to evaluate it."""
    artifacts[f"scans/{SCAN}/report.json"] = recorded("report-failed")
    key = recorded("failed")["upload"]["key"]
    upload = {"bucket": UPLOADS, "key": key, "versionId": artifacts.upload(key)}
    event = {**recorded("failed"), "upload": upload}
    return event, lambda: check_build_status.handler(event, None)


def test_with_a_newer_version_no_decision_is_requested(judge_upload, artifacts):
    event, judge = judge_upload
    newest = artifacts.upload(event["upload"]["key"])
    artifacts.upload(f"{event['upload']['key']}.zip")

    result = judge()

    assert result["status"] == "failed"
    content, metadata = result["card"]["content"], result["card"]["metadata"]
    assert content["nextSteps"][0] == (
        f"There is nothing to decide: a newer version (`{newest[:8]}`) has been uploaded."
    )
    assert metadata["enableCustomActions"] is False


def test_an_older_version_is_not_newer_than_a_deleted_one(judge_upload, artifacts):
    event, judge = judge_upload
    own = event["upload"]["versionId"]
    artifacts.s3.delete_object(Bucket=UPLOADS, Key=event["upload"]["key"], VersionId=own)
    older = artifacts.upload(event["upload"]["key"])

    steps = judge()["card"]["content"]["nextSteps"]

    assert older[:8] not in steps[0]
    assert steps[0].startswith("Click *Approve*")


class Crash(BaseException):
    """The function's process crashes: no ``except Exception`` catches it."""


# gate-result.json, scan.json, report.json, the log, the digest, a slot, gate-result.json.
@pytest.mark.parametrize("gap", range(8))
def test_status_and_card_agree_if_a_report_arrives_between_two_attempts(
    check, artifacts, recorded, calls, gap
):
    def crash_at_gap(operation):
        if len(calls.made) > gap:
            raise Crash

    calls.every = crash_at_gap
    with contextlib.suppress(Crash):
        check("no-report")
    calls.every = lambda operation: None
    artifacts[f"scans/{SCAN}/report.json"] = recorded("report-failed")

    result = check("failed")

    gate_result = artifacts[f"scans/{SCAN}/gate-result.json"]
    assert (result["status"], result["card"]) == (gate_result["status"], gate_result["card"])
    asks = "Decide" in result["card"]["metadata"]["additionalContext"]
    assert asks == (result["status"] == "failed")


def test_a_failed_gate_shows_what_failed_and_requests_a_decision(check, artifacts):
    result = check("failed", "report-failed")

    assert result["status"] == "failed"
    assert result["reason"] == (
        "The quality gate failed: new_violations, new_coverage, new_security_rating"
    )
    assert artifacts[f"scans/{SCAN}/gate-result.json"]["card"] == result["card"]
    content, metadata = result["card"]["content"], result["card"]["metadata"]
    assert content["title"] == "❌ payments: quality gate failed"
    lines = content["description"].split("\n")
    assert lines[:8] == [
        "`api-1.4.zip` · version `3LgVabcQ` · SonarQube 25.9.0.112764 · "
        "132 of 147 files of code analysed",
        "*Uploaded by:* not recorded",
        "",
        "• *new violations:* `7` (limit 0)",
        "• *new coverage:* `61.2` (minimum 80)",
        "• *new security rating:* `D` (A or better)",
        "",
        "*Findings:* 1 BLOCKER, 2 HIGH, 3 MEDIUM, 1 LOW",
    ]
    assert lines[8] == (
        "• *BLOCKER* <https://sonar.example.com/project/issues?id=payments&amp;open=AZ1|"
        "`src/payments/store.py:14`> Revoke and change this password, as it is compromised. "
        "(`python:S6437`)"
    )
    assert lines[13] == "… and 2 more findings"
    assert "never 'None' &amp; never &lt;0." in content["description"]
    assert "ignored: `sonar.exclusions` in `sonar-project.properties`" in content["description"]
    assert "sonar.projectName" not in content["description"]
    assert "evaluated nothing" not in content["description"]
    assert content["nextSteps"][0].endswith("Open until 27 Nov 2026, 10:00 UTC.")
    assert metadata == {
        "threadId": SCAN,
        "summary": content["title"],
        "enableCustomActions": True,
        "additionalContext": {"Decide": "approval-1a2b3c4", "Region": "eu-central-1", "Scan": SCAN},
    }


def lines_of(result):
    return result["card"]["content"]["description"].split("\n")


def part(result, heading):
    """The lines of a card below a heading, up to the next empty line."""
    lines = lines_of(result)
    below = lines[lines.index(heading) + 1 :]
    return below[: below.index("")]


UNANALYSED = "*Unanalysed files: code that the scanner did not evaluate*"
NOT_COVERED = "*Not covered by this scanner*"


def test_a_card_names_what_the_scanner_does_not_evaluate_by_its_nature(check):
    result = check("failed", "report-failed")

    assert part(result, NOT_COVERED) == [
        "• `web/node_modules/`: 1,204 files, dependencies",
        "• `lib/old-ledger.zip`: archive",
        "• `notebooks/fees.ipynb`: notebook",
        "… and 2 more files",
        "• Files in languages that SonarQube does not support: 12 Go, 3 Rust",
    ]
    assert UNANALYSED not in lines_of(result)


def test_a_card_names_the_unanalysed_files_and_says_what_approving_them_means(check):
    result = check("failed", "report-unanalysed")

    assert result["reason"] == "The quality gate failed: unanalysed_files"
    assert lines_of(result)[0].endswith(" · 130 of 132 files of code analysed")
    assert "• *unanalysed files:* `2` (limit 0)" in lines_of(result)
    assert part(result, UNANALYSED) == [
        "• `src/payments/legacy.py`: Parse error at line 3: print 'paid'",
        "• `src/payments/rates.py`: the scanner did not read it",
    ]
    assert NOT_COVERED not in lines_of(result)
    decide, remedy = result["card"]["content"]["nextSteps"]
    assert decide == (
        "Click *Approve* to allow this version for a limited time although 2 files in it "
        "were not analysed, or *Reject*; you are asked for a reason. Open until 27 Nov 2026, "
        "10:00 UTC."
    )
    assert remedy == (
        "Or fix the unanalysed files so that the scanner can read them, and upload again: a new "
        "version is scanned at once."
    )


def test_one_unanalysed_file_is_named_in_the_singular(check, recorded):
    report = recorded("report-unanalysed")
    report["coverage"]["counts"]["unanalysed"] = 1
    report["coverage"]["files"].pop()
    report["gate"]["conditions"][-1]["actual"] = "1"

    decide, _ = check("failed", report)["card"]["content"]["nextSteps"]

    assert "although 1 file in it was not analysed, or" in decide


def test_findings_that_also_fail_the_gate_are_what_to_fix(check, recorded):
    report = recorded("report-unanalysed")
    report["gate"]["conditions"][0] |= {"actual": "7", "status": "error"}

    decide, remedy = check("failed", report)["card"]["content"]["nextSteps"]

    assert "not analysed" not in decide
    assert remedy == "Or fix the findings and upload again: a new version is scanned at once."


def test_a_gate_failed_by_opaque_files_alone_gets_advice(check, recorded):
    report = recorded("report-failed")
    opaque = {"metric": "opaque_files", "comparator": ">", "threshold": "0", "actual": "1208"}
    report["gate"]["conditions"] = [{**opaque, "status": "error"}]

    result = check("failed", report)

    assert "• *opaque files (archives, compiled code, dependencies):* `1208` (limit 0)" in lines_of(
        result
    )
    decide, remedy = result["card"]["content"]["nextSteps"]
    assert "although 1,208 files in it were not analysed, or" in decide
    assert remedy == (
        "Or leave the opaque files out or put their source code in their place, and upload again: "
        "a new version is scanned at once."
    )


def test_a_gate_failed_by_unanalysed_and_opaque_files_gets_advice_for_both(check, recorded):
    report = recorded("report-unanalysed")
    report["coverage"]["counts"]["opaque"] = 3
    opaque = {"metric": "opaque_files", "comparator": ">", "threshold": "0", "actual": "3"}
    report["gate"]["conditions"].append({**opaque, "status": "error"})

    decide, remedy = check("failed", report)["card"]["content"]["nextSteps"]

    assert "although 5 files in it were not analysed, or" in decide
    assert remedy == (
        "Or fix the unanalysed files so that the scanner can read them, leave the opaque files "
        "out or put their source code in their place, and upload again: a new version is scanned "
        "at once."
    )


def test_the_first_unanalysed_files_are_on_the_card_and_the_rest_is_counted(check, recorded):
    report = recorded("report-unanalysed")
    unseen = {"language": "Python", "reason": "why", "files": 1}
    files = [
        {**unseen, "class": kind, "file": f"{kind}{number}.py"}
        for kind in ("unanalysed", "opaque")
        for number in range(7)
    ]
    languages = {f"Language{number}": 20 - number for number in range(8)}
    report["coverage"] |= {"files": files, "otherLanguages": languages}
    report["coverage"]["counts"] |= {"unanalysed": 1500, "opaque": 8, "otherLanguage": 140}
    report["gate"]["conditions"][-1]["actual"] = "1500"

    result = check("failed", report)

    displayed = part(result, UNANALYSED)
    assert displayed[:5] == [f"• `unanalysed{number}.py`: why" for number in range(5)]
    assert displayed[5:] == ["… and 1,495 more files"]
    displayed = part(result, NOT_COVERED)
    assert displayed[:3] == [f"• `opaque{number}.py`: why" for number in range(3)]
    assert displayed[3:] == [
        "… and 5 more files",
        "• Files in languages that SonarQube does not support: 20 Language0, 19 Language1, "
        "18 Language2, 17 Language3, 16 Language4, and 50 more files",
    ]


def test_the_file_is_named_for_any_reason(check, recorded):
    report = recorded("report-unanalysed")
    report["coverage"]["files"][0]["reason"] = "… and 2 more files"

    assert part(check("failed", report), UNANALYSED)[0] == (
        "• `src/payments/legacy.py`: … and 2 more files"
    )


def test_an_error_about_an_unnamed_file_is_shown(check, recorded):
    report = recorded("report-unanalysed")
    report["coverage"]["files"][0]["file"] = ""

    assert part(check("failed", report), UNANALYSED)[0] == "• Parse error at line 3: print 'paid'"


def test_names_and_reasons_of_unanalysed_files_stay_text(check, recorded):
    report = recorded("report-unanalysed")
    named = report["coverage"]["files"][0]
    named |= {"file": "a`\n\u202e<!channel>.py", "reason": "<@U1>\n*why*"}
    report["coverage"]["counts"]["opaque"] = 1
    report["coverage"]["files"].append({**named, "class": "opaque", "reason": "<!here>"})

    result = check("failed", report)

    assert part(result, UNANALYSED)[0].startswith("• `a' &lt;!channel&gt;.py`: &lt;")
    assert part(result, NOT_COVERED)[0].startswith("• `a' &lt;!channel&gt;.py`: &lt;")
    description = result["card"]["content"]["description"]
    assert not [item for item in ("<!", "<@", "*why*", "\u202e") if item in description]


def test_a_scanner_that_does_not_report_analysed_files_is_named(check, recorded):
    report = recorded("report-unanalysed")
    report["engine"]["name"], report["coverage"]["reported"] = "Ruff", False

    assert part(check("failed", report), NOT_COVERED) == [
        "• Ruff does not list the files that it read: all that it can read count as analysed"
    ]


@pytest.mark.parametrize(
    ("analysed", "expected"), [(12, "12 files of code analysed"), (1, "1 file of code analysed")]
)
def test_fully_analysed_code_gets_no_remark(check, recorded, analysed, expected):
    report = recorded("report-failed")
    report["coverage"] |= {"otherLanguages": {}, "files": []}
    report["coverage"]["counts"] |= {"analysed": analysed, "opaque": 0, "otherLanguage": 0}

    lines = lines_of(check("failed", report))

    assert lines[0].endswith(f" · {expected}")
    assert not {UNANALYSED, NOT_COVERED} & set(lines)


def test_unanalysed_files_stay_on_the_card_of_any_length(check, recorded):
    report = recorded("report-failed")
    long = "&" * 500
    report["gate"]["conditions"] = report["gate"]["conditions"][:1] * 100
    finding = {"rule": long, "severity": "HIGH", "message": long, "file": long, "line": 1}
    link = f"https://sonar.example.com/{'&' * 300}"
    report["findings"] = [{**finding, "link": link}] * 20
    report["ignored"] = [{"file": long, "key": long, "value": "", "weakens": True}] * 100
    files = [
        {"class": kind, "file": long, "language": long, "reason": long[:200], "files": 1}
        for kind in ("unanalysed", "opaque")
        for _ in range(100)
    ]
    languages = {f"{number:02}{long[:198]}": 1 for number in range(50)}
    report["coverage"] |= {"files": files, "otherLanguages": languages, "reported": False}
    report["coverage"]["counts"] |= dict.fromkeys(("unanalysed", "opaque", "otherLanguage"), 10**9)

    result = check("failed", report)

    lines = lines_of(result)
    assert part(result, UNANALYSED)[-1] == "… and 999,999,995 more files"
    assert "… and 999,999,997 more files" in part(result, NOT_COVERED)
    assert part(result, NOT_COVERED)[-1] == (
        "• SonarQube does not list the files that it read: all that it can read count as analysed"
    )
    assert any("tried to weaken its own scan" in line for line in lines)
    assert "…" in lines  # the findings are cut first


def test_the_first_conditions_and_findings_are_on_the_card_and_the_rest_is_counted(check, recorded):
    report = recorded("report-failed")
    report["gate"]["conditions"] = [report["gate"]["conditions"][0]] * 12
    report["findings"] = [report["findings"][0]] * 9
    report["counts"] = {**dict.fromkeys(report["counts"], 0), "BLOCKER": 40}

    description = check("failed", report)["card"]["content"]["description"]

    assert description.count("• *new violations:*") == 10
    assert "… and 2 more failed conditions" in description
    assert description.count("• *BLOCKER*") == 5
    assert "… and 35 more findings" in description


def test_a_failed_gate_links_to_all_details(check):
    foot = check("failed", "report-failed")["card"]["content"]["description"].split("\n")[-1]

    console = "https://eu-central-1.console.aws.amazon.com"
    project = "chatops-slack-dev-scan-5d6e7f8"
    assert foot.split(" · ") == [
        "<https://sonar.example.com/dashboard?id=payments|Report>",
        f"<{console}/codesuite/codebuild/123456789012/projects/{project}"
        f"/build/{project}%3A{STREAM}/?region=eu-central-1|Build log>",
        f"<{console}/states/home?region=eu-central-1#/v2/executions/details/"
        "arn:aws:states:eu-central-1:123456789012:execution:chatops-slack-dev-pipeline-1a2b3c4:"
        "8f14e45f-ceea-467f-9b3a-6d7a1c2e9f10|Execution>",
        f"<{console}/s3/buckets/artifacts?region=eu-central-1&amp;prefix=scans/{SCAN}/|Evidence>",
    ]


@pytest.mark.parametrize(
    ("engine", "judge", "expected"),
    [
        ("SonarQube", "limits", True),
        ("SonarQube", "sonarqube", False),
        ("Bandit", "limits", False),
    ],
)
def test_limits_evaluated_instead_of_the_sonarqube_gate_are_named(
    check, recorded, engine, judge, expected
):
    report = recorded("report-failed")
    report["gate"]["judge"], report["engine"]["name"] = judge, engine

    description = check("failed", report)["card"]["content"]["description"]

    assert ("SonarQube's own gate evaluated nothing" in description) == expected


def test_a_reason_is_cut_to_one_short_line(check, recorded):
    report = recorded("report-broken")
    report["error"]["message"] = "no\n" + "x" * 497

    reason = check("broken", report)["reason"]

    assert reason.startswith("no x")
    assert len(reason) == 200


def test_the_time_for_a_decision_may_be_unknown(artifacts, recorded):
    artifacts[f"scans/{SCAN}/report.json"] = recorded("report-failed")
    event = recorded("failed")
    del event["expiresAt"]

    card = check_build_status.handler(event, None)["card"]

    assert card["content"]["nextSteps"][0].endswith("you are asked for a reason.")


def test_a_failed_build_whose_gate_failed_is_a_failed_gate(check):
    assert check("broken", "report-failed")["status"] == "failed"


def test_a_scan_that_failed_to_run_shows_the_error_of_its_report_and_offers_no_decision(
    check, artifacts
):
    result = check("broken", "report-broken")

    assert result["status"] == "error"
    assert result["reason"] == "The zip holds no file that the scanner can analyse."
    content, metadata = result["card"]["content"], result["card"]["metadata"]
    assert content["title"] == "⚠️ payments: scan failed to run"
    assert result["reason"] in content["description"]
    assert "|Build log>" in content["description"]
    assert content["nextSteps"] == [
        "Check that the zip holds the source code itself, then upload it again."
    ]
    assert part(result, NOT_COVERED) == [
        "• Files in languages that SonarQube does not support: 4 Go"
    ]
    assert metadata["additionalContext"] == {
        "Team1": "rescan-5d6e7f8",
        "Region": "eu-central-1",
        "Scan": SCAN,
    }
    assert artifacts[f"scans/{SCAN}/gate-result.json"]["card"] == result["card"]


@pytest.mark.parametrize(
    ("event", "reason", "remediation"),
    [
        ("no-report", "The scan ended without a readable report.", "Read the end of its log"),
        (
            "broken",
            "The scan was interrupted in phase BUILD. Error while executing",
            "Fix what its log",
        ),
        ("build-timed-out", "The scan took longer than it may.", "(setting buildTimeout)"),
        ("queue-timed-out", "The scan waited too long for a free place", "raise the quota"),
        ("source-failed", "CodeBuild could not fetch the scanner. NoSuchKey:", "Fix what its log"),
        ("install-failed", "The scanner could not be installed. Error while", "Fix what its log"),
        ("provisioning-failed", "CodeBuild could not prepare a machine", "Fix what its log"),
        ("out-of-memory", "The scan ran out of memory.", "(setting computeType)"),
        ("stopped", "The scan was stopped by hand.", "Upload again"),
        ("no-place", "CodeBuild had no free place for this scan, for hours.", "raise the quota"),
        ("state-timed-out", "The scan did not end in time.", "See in the execution"),
        (
            "not-allowed",
            "The scan could not be started: CodeBuild.AWSCodeBuildException: User:",
            "Fix",
        ),
        (
            "no-app",
            "The upload names no app. The key's first part",
            "as &lt;app&gt;/&lt;file&gt;.zip",
        ),
    ],
)
def test_without_a_report_the_build_explains_the_error(check, event, reason, remediation):
    result = check(event)

    assert result["status"] == "error"
    assert result["reason"].startswith(reason)
    assert len(result["reason"]) <= 200
    assert remediation in result["card"]["content"]["nextSteps"][0]
    offered = result["card"]["metadata"].get("additionalContext", {}).keys() - {"Region", "Scan"}
    # Another scan of that key would find no app, either.
    assert offered == (set() if event == "no-app" else {"Team1"})


@pytest.mark.parametrize("retry", [True, False])
def test_scan_again_is_offered_only_for_retryable_errors(
    check, recorded, artifacts, monkeypatch, retry
):
    """A custom button is offered in both cases."""
    ticket = {"function": "open-ticket", "outcomes": ["error"], "again": False}
    buttons = check_build_status.BUTTONS
    both = buttons._replace(custom={**buttons.custom, "Team2": ticket})
    monkeypatch.setattr(check_build_status, "BUTTONS", both)
    report = recorded("report-broken")
    report["error"]["retryable"] = retry

    card = check("broken", report)["card"]

    again = {"Team1": "rescan-5d6e7f8"} if retry else {}
    assert card["metadata"]["additionalContext"] == {
        **again,
        "Team2": "open-ticket",
        "Region": "eu-central-1",
        "Scan": SCAN,
    }
    assert "again" not in " ".join(card["content"]["nextSteps"]).replace("upload it again", "")
    assert artifacts[f"scans/{SCAN}/gate-result.json"]["retryable"] is retry


def test_an_error_of_unknown_kind_is_retryable(check, recorded):
    report = recorded("report-broken")
    del report["error"]["retryable"]

    assert "Team1" in check("broken", report)["card"]["metadata"]["additionalContext"]


def test_without_any_explanation_the_scan_still_failed_to_run(artifacts, recorded):
    event = {**recorded("passed"), "build": None, "error": None}

    result = check_build_status.handler(event, None)

    assert result["reason"] == "The scan could not be started: no reason was given"


def test_the_end_of_the_log_is_on_the_card(check, build_log):
    build_log(*(f"line {n}" for n in range(40)), "\x1b[31mTraceback:\x1b[0m ``` <!here>")

    description = check("broken")["card"]["content"]["description"]

    displayed = description.split("*End of the log*\n")[1].split("\n\n")[0].split("\n")
    assert displayed == [
        "```",
        *(f"line {n}" for n in range(26, 40)),
        "Traceback: ''' &lt;!here&gt;",
        "```",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "last"),
    [
        ("memory", "java.lang.OutOfMemoryError: Java heap space"),
        ("memory", "java.lang.OutOfMemoryError: GC overhead limit exceeded"),
        ("memory", "MemoryError"),
        (
            "memory",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        ),
        ("memory", "OSError: [Errno 12] Cannot allocate memory"),
        ("disk space", "OSError: [Errno 28] No space left on device"),
        ("disk space", "OSError: [Errno 122] Disk quota exceeded: 'x'"),
    ],
)
def test_a_log_that_ends_without_memory_or_disk_explains_the_error(check, build_log, what, last):
    build_log("analysing", last)

    result = check("broken")

    assert result["reason"] == f"The scan ran out of {what}."
    assert result["card"]["content"]["nextSteps"] == [
        "Give it a larger machine (setting computeType), then scan again."
    ]
    assert "Team1" in result["card"]["metadata"]["additionalContext"]


@pytest.mark.parametrize("code", ["137", "247", "-9"])
def test_a_scan_killed_by_the_kernel_ran_out_of_memory(code):
    killed = build.Phase(name="BUILD", status="FAILED", message=f"Reason: exit status {code}")
    ended = build.Phase(name="BUILD", status="FAILED", message=f"Reason: exit status {code}1")

    def diagnosis(phase):
        return build.diagnose(build.Build(status="FAILED", phases=(phase,)), None, []).message

    assert diagnosis(killed) == "The scan ran out of memory."
    assert diagnosis(ended).startswith("The scan was interrupted in phase BUILD.")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("stopped", "The scan was stopped by hand."),
        ("build-timed-out", "The scan took longer than it may."),
        ("no-report", "The scan ended without a readable report."),
    ],
)
def test_quoted_text_in_a_log_does_not_explain_another_error(check, build_log, event, reason):
    build_log("Scanning docs/OutOfMemoryError.md", "No space left on device")

    assert check(event)["reason"] == reason


UNSEEN = {"class": "unanalysed", "file": "a.py", "language": "", "reason": "", "files": 1}


def with_coverage(report, **changed):
    return {**report, "coverage": {**report["coverage"], **changed}}


def with_counts(report, **changed):
    return with_coverage(report, counts={**report["coverage"]["counts"], **changed})


def with_file(report, **changed):
    """The report with an unanalysed file that its gate ignores."""
    named = {**UNSEEN, "class": "opaque", **changed}
    return with_counts(with_coverage(report, files=[named]), opaque=1)


def with_condition(report, **changed):
    """The report with another condition on unanalysed files."""
    *others, last = report["gate"]["conditions"]
    return {**report, "gate": {**report["gate"], "conditions": [*others, {**last, **changed}]}}


def test_a_passed_report_that_names_excluded_files_is_trusted(check, recorded):
    report = with_file(recorded("report-passed"))

    assert check("passed", report)["status"] == "passed"


def test_a_gate_may_allow_unanalysed_files(check, recorded):
    allowed = with_condition(recorded("report-passed"), actual="2", threshold="2")
    without = recorded("report-passed")
    del without["gate"]["conditions"][-1]

    for report in (allowed, without):
        assert check("passed", with_counts(report, unanalysed=2))["status"] == "passed"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: {**report, "scan": "payments/another"},
        lambda report: {**report, "version": 2},
        lambda report: {**report, "gate": None},
        lambda report: {**report, "error": {"code": "X", "message": "x", "remediation": "x"}},
        lambda report: {**report, "gate": {**report["gate"], "conditions": []}},
        lambda report: {**report, "gate": {**report["gate"], "status": "PASSED"}},
        lambda report: {
            **report,
            "gate": {
                **report["gate"],
                "conditions": [{**report["gate"]["conditions"][0], "status": "error"}],
            },
        },
        lambda report: {key: report[key] for key in report if key != "findings"},
        lambda report: {**report, "coverage": None},
        lambda report: {key: report[key] for key in report if key != "coverage"},
        lambda report: with_counts(report, analysed=0),
        lambda report: with_counts(report, unanalysed=1),
        lambda report: with_counts(with_condition(report, actual="1"), unanalysed=1),
        lambda report: with_counts(with_condition(report, threshold="9"), unanalysed=1),
        lambda report: with_condition(report, comparator="<"),
        lambda report: with_condition(report, threshold="many"),
        lambda report: with_counts(report, analysed="132"),
        lambda report: with_counts(report, analysed=True),
        lambda report: with_counts(report, analysed=1.5),
        lambda report: with_counts(report, noCode=-1),
        lambda report: with_counts(report, noCode=10**10),
        lambda report: with_coverage(report, counts={"analysed": 132}),
        lambda report: with_coverage(report, reported="yes"),
        lambda report: with_coverage(report, otherLanguages={"Go": 1}),
        lambda report: with_coverage(report, otherLanguages={"Go": -1}),
        lambda report: with_coverage(report, files=[UNSEEN]),
        lambda report: with_coverage(report, files={}),
        lambda report: with_file(report, files=0),
        lambda report: with_file(report, **{"class": "noCode"}),
        lambda report: with_file(report, file=7),
        lambda report: with_file(report, reason=None),
        lambda report: [report],
        lambda report: b"{",
        lambda report: b"\xff\x00",
        lambda report: b"[" * 100_000,
    ],
    ids=[
        "another scan's",
        "another version",
        "neither gate nor error",
        "both gate and error",
        "a gate that evaluated nothing",
        "an unknown status",
        "passed with a failed condition",
        "incomplete",
        "nothing analysed by its coverage",
        "no coverage",
        "a gate that passed without a file analysed",
        "unanalysed files that the gate does not count",
        "unanalysed files that the gate lets pass",
        "allowed unanalysed files that the gate does not count",
        "a condition that is always fulfilled",
        "a limit that is no number",
        "a text in place of a number",
        "true in place of a number",
        "half a file",
        "less than no files",
        "more files than there can be",
        "counts that are incomplete",
        "a scanner that says yes",
        "more languages than files",
        "less than no files of a language",
        "more unanalysed files than counted",
        "files that are no list",
        "a folder without files",
        "a file of no class",
        "a name that is no text",
        "a reason that is no text",
        "a list",
        "cut JSON",
        "no text",
        "bottomless JSON",
    ],
)
def test_an_invalid_report_never_passes(check, recorded, spoil):
    result = check("passed", spoil(recorded("report-passed")))

    assert result["status"] == "error"
    assert result["reason"] == "The scan ended without a readable report."


def test_a_truncated_cause_is_completed_from_codebuild(check, monkeypatch):
    requests = []

    class CodeBuild:
        def batch_get_builds(self, ids):
            requests.append(ids)
            return {
                "builds": [
                    {
                        "arn": build_arn,
                        "buildStatus": "FAILED",
                        "phases": [
                            {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED"},
                            {
                                "phaseType": "BUILD",
                                "phaseStatus": "FAILED",
                                "contexts": [{"statusCode": "X", "message": "exit status 137"}],
                            },
                        ],
                        "logs": {"groupName": GROUP, "streamName": STREAM},
                    }
                ]
            }

    build_id = f"chatops-slack-dev-scan-5d6e7f8:{STREAM}"
    build_arn = f"arn:aws:codebuild:eu-central-1:123456789012:build/{build_id}"
    monkeypatch.setattr(check_build_status, "_client", lambda service: CodeBuild())
    monkeypatch.setattr(
        check_build_status.build_log, "tail", lambda _, group, stream: [group, stream]
    )

    result = check("cut-cause")

    assert requests == [[build_id]]
    assert result["reason"] == "The scan ran out of memory."
    assert f"{GROUP}\n{STREAM}" in result["card"]["content"]["description"]


@pytest.mark.parametrize("answer", ["refused", "silent", "unknown build"])
def test_a_truncated_cause_still_links_to_the_build(check, monkeypatch, caplog, answer):
    class CodeBuild:
        def batch_get_builds(self, ids):
            if answer == "refused":
                error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
                raise build.ClientError(error, "BatchGetBuilds")  # pyright: ignore[reportArgumentType]
            if answer == "silent":
                raise ConnectTimeoutError(endpoint_url="https://codebuild")
            return {"builds": [], "buildsNotFound": ids}

    monkeypatch.setattr(check_build_status, "_client", lambda service: CodeBuild())

    result = check("cut-cause")

    assert result["reason"] == "The scan was interrupted."
    assert "|Build log>" in result["card"]["content"]["description"]
    assert [r.levelno for r in caplog.records] == (
        [] if answer == "unknown build" else [logging.WARNING]
    )


def test_with_a_report_codebuild_and_its_log_are_not_read(check, monkeypatch):
    monkeypatch.setattr(check_build_status, "_client", pytest.fail)

    assert check("broken", "report-broken")["status"] == "error"


def test_checking_again_returns_the_same_result(check):
    assert check("failed", "report-failed") == check("failed", "report-failed")


def test_an_s3_error_is_retried_by_the_state_machine(check, calls):
    calls.refuse("PutObject", "SlowDown")

    with pytest.raises(check_build_status.build.ClientError, match="SlowDown"):
        check("failed", None)
