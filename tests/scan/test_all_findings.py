"""findings.json lists all findings of a scan within its limits, and counts those left out."""

from dataclasses import replace

import pytest

from domain import findings_document
from domain.findings import SEVERITIES, Finding
from domain.schema import errors, load
from ops.documents import parse
from scan.all_findings import document
from scan.as_json import encoded
from scan.finding import Analysis, Seen, counts
from tests.scan.scanning import scanned
from tests.scan.test_report import JOB
from tests.scan.uploads import zipped

SHELL = "import subprocess\nsubprocess.run(cmd, shell=True)\nassert cmd\n"
FINDING = Finding(rule="R1", severity="LOW", message="m", file="app.py", line=1)


def analysed(findings, repeated=()):
    return Analysis(
        engine="Tool",
        version="1",
        seen=Seen(analysed=None, languages=None),
        lines=None,
        counts=counts([*findings, *repeated]),
        findings=findings,
        repeated=repeated,
    )


def written(findings, repeated=()):
    """findings.json, as the command line accepts it."""
    result = document(JOB, analysed(findings, repeated))
    assert list(errors(result, load("findings"))) == []
    body = encoded(result)
    assert parse("findings.json", body, JOB.scan)["counts"] == result["counts"]
    return result


def test_all_findings_are_listed_the_worst_first():
    some = [replace(FINDING, severity=severity) for severity in reversed(SEVERITIES)]

    result = written(some * 30)

    assert [item["severity"] for item in result["findings"][::30]] == list(SEVERITIES)
    assert (len(result["findings"]), result["omitted"]) == (150, 0)
    assert findings_document.read(result).findings[-1] == some[0]


def test_no_finding_is_a_document_too():
    assert written([])["findings"] == []


def test_ten_thousand_findings_are_listed_and_the_others_are_counted():
    result = written([FINDING] * 10_500 + [replace(FINDING, severity="HIGH")])

    assert result["findings"][0]["severity"] == "HIGH"
    assert (len(result["findings"]), result["omitted"]) == (10_000, 501)


def test_eight_mebibytes_are_written_at_most():
    long = replace(FINDING, message='ü\\"😀' * 200, file="\x07" * 500, rule="r" * 10**6)

    result = written([long] * 9_000)

    assert 0.99 < len(encoded(result)) / findings_document.MOST_BYTES <= 1
    assert result["omitted"] == 9_000 - len(result["findings"]) > 0


def test_an_issue_that_is_counted_twice_is_listed_twice():
    result = written([replace(FINDING, severity="HIGH")], repeated=[FINDING])

    assert [item["severity"] for item in result["findings"]] == ["HIGH", "LOW"]
    assert result["omitted"] == 0


@pytest.mark.parametrize("length", [2000, 2001])
def test_a_link_is_whole_or_left_out(length):
    link = f"https://example.com/{'a' * 3000}"[:length]

    [item] = written([replace(FINDING, link=link)])["findings"]

    assert item["link"] == (link if length == 2000 else None)


def test_a_scan_stores_all_its_findings_beside_the_report():
    scan = scanned(zipped({f"{number}.py": SHELL for number in range(12)}))

    assert scan.all_findings
    assert len(scan.report["findings"]) == 20
    assert len(scan.all_findings["findings"]) == sum(scan.report["counts"].values()) == 36
    assert scan.all_findings["findings"][:20] == scan.report["findings"]
    assert scan.all_findings["counts"] == scan.report["counts"]


def test_a_scan_without_a_gate_result_stores_no_findings():
    assert scanned(zipped({"README.md": "only words"})).all_findings is None
