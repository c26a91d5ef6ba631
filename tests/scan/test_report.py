"""The report has the worst findings, within its schema's limits, and counts all."""

import pytest

from domain.coverage import CLASSES, Unseen
from domain.findings import SEVERITIES, Finding, IgnoredSetting
from domain.timestamps import iso, now
from scan.errors import ScanError
from scan.fetch import Fetched
from scan.finding import Analysis, Seen, counts
from scan.job import from_environment
from scan.ledger import Coverage
from scan.report import report
from tests.scan.scanning import checked

JOB = from_environment(
    {
        "SCAN": "payments/v",
        "APP": "payments",
        "ARTIFACTS_BUCKET": "artifacts",
        "UPLOAD_BUCKET": "uploads",
        "UPLOAD_KEY": "payments/a.zip",
        "UPLOAD_VERSION": "v",
        "SCANNERS": '["bandit"]',
    }
)
MALFORMED = ScanError("NothingEvaluated", "m" * 1000, "n" * 1000)


def finding(severity: str, file: str = "app.py", line: int | None = 1) -> Finding:
    return Finding(rule="R1", severity=severity, message="m", file=file, line=line)


@pytest.fixture
def reported():
    """The report of an engine's analysis, validated against its schema."""

    def write(findings=(), ignored=(), unseen=()):
        analysis = Analysis(
            engine="Tool",
            version="1",
            seen=Seen(analysed=None, languages=None),
            lines=None,
            counts=counts(findings),
            findings=findings,
            ignored=ignored,
        )
        whole = report(
            JOB,
            started_at=iso(now()),
            fetched=Fetched(),
            analysis=analysis,
            coverage=Coverage(counts=dict.fromkeys(CLASSES, 0), unseen=unseen, reported=True),
            outcome=MALFORMED,
        )
        return checked({**whole, "evidence": {"scanner.log": "0" * 64}})

    return write


def test_findings_are_sorted_by_severity_then_file(reported):
    findings = [
        *(finding(severity) for severity in reversed(SEVERITIES)),
        finding("HIGH", "b.py", 2),
        finding("HIGH", "b.py", None),
        finding("HIGH", "a.py", 9),
    ]

    printable = [
        (item["severity"], item["file"], item["line"]) for item in reported(findings)["findings"]
    ]

    assert printable == [
        ("BLOCKER", "app.py", 1),
        ("HIGH", "a.py", 9),
        ("HIGH", "app.py", 1),
        ("HIGH", "b.py", None),
        ("HIGH", "b.py", 2),
        ("MEDIUM", "app.py", 1),
        ("LOW", "app.py", 1),
        ("INFO", "app.py", 1),
    ]


def test_twenty_findings_are_shown_and_all_are_counted(reported):
    written = reported([finding("LOW", "a" * 600)] * 30 + [finding("BLOCKER")])

    assert [item["severity"] for item in written["findings"]] == ["BLOCKER"] + ["LOW"] * 19
    assert written["findings"][1]["file"] == "a" * 500
    assert (written["counts"]["LOW"], written["counts"]["BLOCKER"]) == (30, 1)


def test_at_most_a_hundred_ignored_settings_are_named(reported):
    setting = IgnoredSetting(file="pyproject.toml", key="k" * 300, value="v" * 300, weakens=True)

    ignored = reported(ignored=[setting] * 150)["ignored"]

    assert len(ignored) == 100
    assert (ignored[0]["key"], ignored[0]["value"]) == ("k" * 200, "v" * 200)


def test_error_messages_are_cut_too(reported):
    error = reported()["error"]

    assert (error["message"], error["remediation"]) == ("m" * 500, "n" * 500)


def test_a_hundred_unanalysed_files_are_named_and_all_are_counted(reported):
    unseen = [
        Unseen(
            kind="otherLanguage",
            file="f" * 600,
            language=f"Language {number % 60}",
            reason="r" * 300,
        )
        for number in range(150)
    ]

    coverage = reported(unseen=unseen)["coverage"]

    assert len(coverage["files"]) == 100
    assert coverage["files"][0] == {
        "class": "otherLanguage",
        "file": "f" * 500,
        "language": "Language 0",
        "reason": "r" * 200,
        "files": 1,
    }
    assert len(coverage["otherLanguages"]) == 50
    assert coverage["otherLanguages"]["Language 0"] == 3
