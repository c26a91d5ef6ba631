"""Reports that an upload brings: they add findings, and can never make a gate pass."""

import json
import shlex
import sys
from typing import Any

import pytest

from domain.claimed_reports import FOLDER
from tests.scan.scanning import Scanned, scanned
from tests.scan.uploads import zipped

BAD = "import subprocess\n\nsubprocess.call(input(), shell=True)\n"
GOOD = "print('hello')\n"
CLAIMED = "Own (claimed by the uploader)"


def sarif(*results: dict[str, Any], name: str = "Own", **run: Any) -> str:
    return json.dumps(
        {
            "version": "2.1.0",
            "runs": [{"tool": {"driver": {"name": name}}, "results": list(results), **run}],
        }
    )


def result(rule: str, level: str = "error", line: int = 3, **more: Any) -> dict[str, Any]:
    physical = {"artifactLocation": {"uri": "app.py"}, "region": {"startLine": line}}
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": "claimed"},
        "locations": [{"physicalLocation": physical}],
        **more,
    }


def with_reports(code: str, *reports: str, scanners: str = '["bandit"]') -> Scanned:
    named = {f"{FOLDER}/{number}.sarif": text for number, text in enumerate(reports)}
    return scanned(zipped({"app.py": code, **named}), SCANNERS=scanners)


def test_its_findings_count_and_are_marked():
    done = with_reports(GOOD, sarif(result("R1", line=1)))

    [finding] = done.report["findings"]
    assert (finding["rule"], finding["severity"]) == ("R1", "HIGH")
    assert finding["scanners"] == [CLAIMED]
    assert done.report["gate"]["status"] == "failed"
    assert [item["name"] for item in done.report["scanners"]] == ["Bandit", CLAIMED]


def test_what_a_scanner_finds_too_is_one_finding_as_the_scanner_reports_it():
    alone = with_reports(BAD).report["findings"]
    both = with_reports(BAD, sarif(result("B602", "note"))).report["findings"]

    [before] = [finding for finding in alone if finding["rule"] == "B602"]
    [after] = [finding for finding in both if finding["rule"] == "B602"]
    assert after == {**before, "scanners": ["Bandit", CLAIMED]}


@pytest.mark.parametrize(
    "report",
    [
        sarif(),
        sarif(result("B602", "none", kind="pass")),
        sarif(result("B602", suppressions=[{"kind": "inSource", "status": "accepted"}])),
        sarif(result("B602", baselineState="absent")),
        sarif(name="Bandit", artifacts=[{"location": {"uri": "app.py"}}]),
        sarif(invocations=[{"executionSuccessful": False}]),
        "{}",
        "not JSON",
        "[" * 100_000,
    ],
    ids=[
        "empty", "pass", "suppressed", "absent", "another's name", "failed", "no SARIF", "no JSON",
        "nested",
    ],
)  # fmt: skip
def test_no_report_makes_a_gate_pass(report: str):
    done = with_reports(BAD, report)

    assert done.report["gate"]["status"] == "failed"
    assert any(finding["rule"] == "B602" for finding in done.report["findings"])
    assert done.report["scanners"][0]["name"] == "Bandit"


@pytest.mark.parametrize(
    "report", ["not JSON", sarif(invocations=[{"executionSuccessful": False}])]
)
def test_one_that_cannot_be_read_fails_the_gate(report: str):
    done = with_reports(GOOD, report)

    conditions = {item["metric"]: item for item in done.report["gate"]["conditions"]}
    assert conditions["failed_scanners"]["actual"] == "1"
    assert done.report["gate"]["status"] == "failed"


def test_too_many_fail_the_gate():
    done = with_reports(GOOD, *[sarif()] * 11)

    assert done.report["gate"]["status"] == "failed"
    [problem] = [item for item in done.report["scanners"] if item["error"]]
    assert "11 reports" in problem["error"]["message"]


def test_no_file_is_analysed_by_a_report():
    target = {"location": {"uri": "web/app.js"}, "roles": ["analysisTarget"]}
    files = {
        "app.py": GOOD,
        "web/app.js": "eval(x)\n",
        f"{FOLDER}/a.sarif": sarif(artifacts=[target]),
    }
    done = scanned(zipped(files))

    [unread] = done.report["coverage"]["otherLanguages"].items()
    assert unread == ("JavaScript", 1)


def test_where_no_scanner_ran_no_report_stands_in():
    done = scanned(
        zipped({"app.py": BAD, f"{FOLDER}/a.sarif": sarif()}),
        SCANNERS='["custom"]',
        CUSTOM_COMMAND="false {source} {sarif}",
    )

    assert done.report["gate"] is None
    assert done.error == "NoSarif"


def test_an_approval_of_it_covers_no_finding_of_a_scanner():
    """Its identity is its own, also where a scanner reports the same."""
    report = sarif(result("R1", line=1))
    [claimed] = with_reports(GOOD, report).report["findings"]
    script = f"import sys; open(sys.argv[1], 'w').write({report!r})"
    command = shlex.join([sys.executable, "-c", script, "{sarif}", "{source}"])
    done = scanned(zipped({"app.py": GOOD}), SCANNERS='["custom"]', CUSTOM_COMMAND=command)
    [reported] = done.report["findings"]

    assert (claimed["rule"], claimed["line"]) == (reported["rule"], reported["line"])
    assert claimed["fingerprint"] != reported["fingerprint"]
