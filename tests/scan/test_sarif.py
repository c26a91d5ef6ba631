"""Real SARIF of six tools (``sarif_of/``, made by running them), and what the standard allows."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.errors import ScanError
from scan.finding import Analysis
from scan.sarif.reading import read
from tests.scan.scanning import tree

REAL = Path(__file__).parent / "sarif_of"
FILES = ("app/store.py", "app/python2.py", "infra/Dockerfile", "infra/main.tf", "web/page.js")


def of_tool(name: str, tmp_path: Path, in_source: bool = False) -> Analysis:
    """The analysis of the tool's SARIF, as if it had run on a tree in ``tmp_path``."""
    source = tree(dict.fromkeys((*FILES, "cmd/main.go"), "code"), tmp_path / "source")
    (tmp_path / "work").mkdir()
    sarif = tmp_path / "work" / "result.sarif"
    text = (REAL / f"{name}.sarif").read_text()
    sarif.write_text(text.replace("/upload/source", str(source)))
    return read(sarif, source=source, folder=tmp_path / "work", in_source=in_source)


@pytest.mark.parametrize(
    ("tool", "engine", "counts", "files"),
    [
        ("bandit", ("Bandit", "1.9.4"), {"HIGH": 1, "MEDIUM": 4, "LOW": 3}, {"app/store.py"}),
        ("semgrep", ("Semgrep OSS", "1.182.0"), {"BLOCKER": 1, "MEDIUM": 1, "LOW": 1}, None),
        ("checkov", ("Checkov", "3.3.30"), {"HIGH": 13, "MEDIUM": 1}, None),
        ("ruff", ("ruff", "0.17.6"), {"HIGH": 1, "MEDIUM": 4, "LOW": 1}, {"app/store.py"}),
        ("gosec", ("gosec", "dev"), {"HIGH": 4, "MEDIUM": 1}, {"cmd/main.go"}),
        ("eslint", ("ESLint", "8.57.1"), {"HIGH": 1, "MEDIUM": 2}, {"web/page.js"}),
    ],
)
def test_what_real_tools_write_is_understood(tool, engine, counts, files, tmp_path):
    analysis = of_tool(tool, tmp_path)

    assert (analysis.engine, analysis.version) == engine
    assert {key: value for key, value in analysis.counts.items() if value} == counts
    findings = {finding.file for finding in analysis.findings}
    assert findings <= {*FILES, "cmd/main.go"}
    assert files is None or findings == files
    assert all(finding.line and finding.message and finding.rule for finding in analysis.findings)


@pytest.mark.parametrize(("tool", "suppressed"), [("semgrep", 1), ("checkov", 1), ("gosec", 1)])
def test_comments_in_the_code_suppress_nothing_unless_allowed(tool, suppressed, tmp_path):
    strict = of_tool(tool, tmp_path / "strict")
    lenient = of_tool(tool, tmp_path / "lenient", in_source=True)

    assert len(strict.findings) - len(lenient.findings) == suppressed


@pytest.mark.parametrize("tool", ["bandit-unreadable", "ruff"])
def test_a_file_that_a_tool_could_not_parse_is_not_analysed(tool, tmp_path):
    """Two Python files, one of them in Python 2."""
    seen = of_tool(tool, tmp_path).seen

    assert list(seen.unread) == ["app/python2.py"]
    assert seen.incomplete == ()


def result(**more: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": "app/store.py"}, "region": {"startLine": 7}}
    return {
        "ruleId": "R1",
        "message": {"text": "wrong"},
        "locations": [{"physicalLocation": place}],
        **more,
    }


def run(*results: dict[str, Any], rules: Any = None, **more: Any) -> dict[str, Any]:
    driver = {"name": "Tool", "version": "1", "rules": rules or []}
    return {"tool": {"driver": driver}, "results": list(results), **more}


def reading(tmp_path: Path, *runs: Any, source: Any = "code") -> Analysis:
    folder = tree({"app/store.py": source, "with space/ä.py": source}, tmp_path / "source")
    sarif = tmp_path / "result.sarif"
    sarif.write_text(json.dumps({"version": "2.1.0", "runs": runs}))
    return read(sarif, source=folder, folder=tmp_path)


@pytest.mark.parametrize(
    ("more", "rule", "severity"),
    [
        ({}, {}, "MEDIUM"),
        ({"level": "error"}, {}, "HIGH"),
        ({"level": "warning"}, {}, "MEDIUM"),
        ({"level": "note"}, {}, "LOW"),
        ({"level": "none"}, {}, "INFO"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "HIGH"),
        ({"kind": "review"}, {"defaultConfiguration": {"level": "error"}}, "INFO"),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, "BLOCKER"),
        ({}, {"properties": {"security-severity": "9.0"}}, "BLOCKER"),
        ({}, {"properties": {"security-severity": "8.9"}}, "HIGH"),
        ({}, {"properties": {"security-severity": 7.0}}, "HIGH"),
        ({}, {"properties": {"security-severity": "6.9"}}, "MEDIUM"),
        ({}, {"properties": {"security-severity": "4.0"}}, "MEDIUM"),
        ({}, {"properties": {"security-severity": "3.9"}}, "LOW"),
        ({}, {"properties": {"security-severity": "0.0"}}, "MEDIUM"),
        ({"level": "error"}, {"properties": {"security-severity": "-1"}}, "HIGH"),
        ({"level": "none"}, {"properties": {"security-severity": "0.05"}}, "LOW"),
        ({"level": "note"}, {"properties": {"security-severity": " Critical"}}, "BLOCKER"),
        ({"level": "error"}, {"properties": {"security-severity": "LOW"}}, "HIGH"),
        (
            {"level": "note", "properties": {"security-severity": "0"}},
            {"properties": {"security-severity": "7"}},
            "HIGH",
        ),
        ({"kind": "of tomorrow"}, {"defaultConfiguration": {"level": "error"}}, "HIGH"),
        ({"kind": "open"}, {}, "INFO"),
        ({"level": "error"}, {"properties": {"security-severity": "unknown"}}, "HIGH"),
        ({"level": "error"}, {"properties": {"security-severity": "nan"}}, "HIGH"),
        (
            {"properties": {"security-severity": "9.1"}},
            {"properties": {"security-severity": "1.0"}},
            "BLOCKER",
        ),
    ],
)
def test_severity_is_the_cvss_score_or_else_the_level(more, rule, severity, tmp_path):
    analysis = reading(tmp_path, run(result(**more), rules=[{"id": "R1", **rule}]))

    assert [finding.severity for finding in analysis.findings] == [severity]


def test_a_run_may_configure_a_rule_again(tmp_path):
    override = {"descriptor": {"id": "R1"}, "configuration": {"level": "error"}}
    analysis = reading(
        tmp_path, run(result(), invocations=[{"ruleConfigurationOverrides": [override]}])
    )

    assert [finding.severity for finding in analysis.findings] == ["HIGH"]


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "pass"},
        {"kind": "notApplicable"},
        {"baselineState": "absent"},
        {"suppressions": [{"kind": "external"}]},
        {"suppressions": [{"kind": "external", "status": "accepted"}]},
    ],
)
def test_results_that_are_no_findings_are_not_counted(more, tmp_path):
    assert reading(tmp_path, run(result(**more))).findings == []


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "fail"},
        {"kind": "open"},
        {"baselineState": "unchanged"},
        {"suppressions": []},
        {"suppressions": [{"kind": "external", "status": "underReview"}]},
        {"suppressions": [{"kind": "external", "status": "rejected"}]},
        {"suppressions": [{"kind": "external"}, {"kind": "external", "status": "rejected"}]},
        {"suppressions": [{"kind": "inSource"}]},
        {"suppressions": [{}]},
        {"suppressions": [{"kind": "external", "status": "of tomorrow"}]},
    ],
)
def test_unsuppressed_results_are_counted(more, tmp_path):
    assert len(reading(tmp_path, run(result(**more))).findings) == 1


def test_rules_may_be_an_extensions(tmp_path):
    """As CodeQL writes them: its query packs are extensions."""
    rules = [{"id": "other"}, {"id": "py/eval", "properties": {"security-severity": "9.3"}}]
    codeql = run(
        result(
            ruleId="py/eval",
            rule={"id": "py/eval", "index": 1, "toolComponent": {"index": 0}},
        )
    )
    codeql["tool"]["extensions"] = [{"name": "codeql/python-queries", "rules": rules}]

    assert reading(tmp_path, codeql).counts["BLOCKER"] == 1


def test_a_result_may_name_its_rule_by_number_or_in_part(tmp_path):
    rules = [{"id": "R0"}, {"id": "R1", "defaultConfiguration": {"level": "error"}}]
    by_number = result(ruleIndex=1)
    del by_number["ruleId"]
    analysis = reading(tmp_path, run(by_number, result(ruleId="R1/part"), rules=rules))

    assert [(finding.rule, finding.severity) for finding in analysis.findings] == [
        ("R1", "HIGH"),
        ("R1/part", "HIGH"),
    ]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"text": "eval()\n is bad", "id": "m"}, "eval() is bad"),
        ({"markdown": "`eval()`"}, "`eval()`"),
        ({"id": "m", "arguments": ["load()", "eval()"]}, "load() calls eval()"),
        ({"id": "unknown"}, "A rule"),
        ({}, "A rule"),
    ],
    ids=["text", "markdown", "the rule's", "unknown", "none"],
)
def test_a_message_is_its_own_or_its_rules(message, says, tmp_path):
    texts = {"m": {"text": "{0} calls {1}"}}
    rules = [{"id": "R1", "shortDescription": {"text": "A rule"}, "messageStrings": texts}]
    analysis = reading(tmp_path, run(result(message=message), rules=rules))

    assert analysis.findings[0].message == says


@pytest.mark.parametrize(
    ("location", "file", "line"),
    [
        ({"artifactLocation": {"uri": "app/store.py"}}, "app/store.py", None),
        ({"artifactLocation": {"uri": "file://SOURCE/app/store.py"}}, "app/store.py", None),
        ({"artifactLocation": {"uri": "SOURCE/app/store.py"}}, "app/store.py", None),
        ({"artifactLocation": {"uri": "with%20space/%C3%A4.py"}}, "with space/ä.py", None),
        ({"artifactLocation": {"uri": "store.py", "uriBaseId": "APP"}}, "app/store.py", None),
        ({"artifactLocation": {"index": 0}, "region": {"startLine": 3}}, "app/store.py", 3),
        ({"artifactLocation": {"uri": "app/store.py"}, "region": {}}, "app/store.py", None),
        ({"artifactLocation": {"uri": "/etc/passwd"}}, "/etc/passwd", None),
        ({"artifactLocation": {"uri": "../../x"}}, "../../x", None),
        ({}, "", None),
        (None, "", None),
    ],
    ids=[
        "relative",
        "file URI",
        "absolute",
        "escaped",
        "on a base",
        "by number",
        "no line",
        "outside",
        "above",
        "nothing",
        "no location",
    ],
)
def test_a_place_is_a_file_of_the_upload(location, file, line, tmp_path):
    text = json.dumps(location).replace("SOURCE", str(tmp_path / "source"))
    locations = [{"physicalLocation": json.loads(text)}] if location is not None else []
    analysis = reading(
        tmp_path,
        run(
            result(locations=locations),
            artifacts=[{"location": {"uri": "app/store.py"}}],
            originalUriBaseIds={
                "ROOT": {"uri": f"file://{tmp_path}/source/"},
                "APP": {"uri": "app/", "uriBaseId": "ROOT"},
            },
        ),
    )

    assert [(finding.file, finding.line) for finding in analysis.findings] == [(file, line)]


def test_code_in_one_of_two_files_that_a_location_may_mean_is_not_known_by_the_other(tmp_path):
    # Semgrep writes `a%20b.py` as it is, which is also the URI of `a b.py`.
    place = {"artifactLocation": {"uri": "a%20b.py"}, "region": {"startLine": 1}}
    reported = run(result(locations=[{"physicalLocation": place}]))

    def fingerprint(code: str) -> str:
        tree({"a b.py": "harmless", "a%20b.py": code}, tmp_path / "source")
        return reading(tmp_path, reported).findings[0].fingerprint

    assert fingerprint("eval('1')") == fingerprint("eval('1')")
    assert fingerprint("eval('1')") != fingerprint("eval(input())")


@pytest.mark.parametrize("line", [0, -3, "7", True, None])
def test_an_invalid_line_number_is_omitted(line, tmp_path):
    place = {"artifactLocation": {"uri": "app/store.py"}, "region": {"startLine": line}}
    analysis = reading(tmp_path, run(result(ruleId=5, locations=[{"physicalLocation": place}])))

    assert [(finding.rule, finding.line) for finding in analysis.findings] == [("5", None)]


def test_the_runs_of_one_file_are_added_up(tmp_path):
    other = run(result(level="error"))
    other["tool"]["driver"]["name"] = "Other"
    analysis = reading(tmp_path, run(result(level="note"), result(level="error")), other)

    assert analysis.engine == "Tool, Other"
    assert Counter(finding.severity for finding in analysis.findings) == {"HIGH": 2, "LOW": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"version": "2.0.0", "runs": []}',
        '{"version": "2.0.0", "runs": [{"tool": {"driver": {"name": "T"}}}]}',
        '{"version": "2.1.0", "runs": [{}]}',
        '{"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]}',
        '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T"}}, "results": [7]}]}',
        '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T"}}, "results": [{"level":'
        ' "fatal"}]}]}',
        "[" * 100_000,
    ],
)
def test_invalid_sarif_is_a_scan_that_failed_to_run(text, tmp_path):
    (tmp_path / "result.sarif").write_text(text)

    with pytest.raises(ScanError) as refusal:
        read(tmp_path / "result.sarif", source=tmp_path, folder=tmp_path)

    assert refusal.value.code == "InvalidSarif"


@pytest.mark.parametrize(
    ("more", "says"),
    [({}, "Tool: it says that its run was not"), ({"exitCodeDescription": "no rules"}, "no rules")],
)
def test_a_tool_that_says_it_failed_is_believed(more, says, tmp_path):
    with pytest.raises(ScanError, match=says) as refusal:
        reading(tmp_path, run(invocations=[{"executionSuccessful": False, **more}]))

    assert refusal.value.code == "ScannerFailed"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_any_change_of_real_sarif_is_read_or_refused(tmp_path_factory, data):
    tool = data.draw(st.sampled_from(["semgrep", "bandit-unreadable", "eslint", "ruff"]))
    log = json.loads((REAL / f"{tool}.sarif").read_text())
    spot: Any = log
    while isinstance(spot, dict | list) and spot:
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(spot[key], dict | list) or data.draw(st.booleans()):
            spot[key] = data.draw(anything)
            break
        spot = spot[key]
    folder = tmp_path_factory.mktemp("sarif")
    (folder / "result.sarif").write_text(json.dumps(log))
    try:
        analysis = read(folder / "result.sarif", source=folder, folder=folder)
    except ScanError:
        return
    assert sum(analysis.counts.values()) == len(analysis.findings)
    for finding in analysis.findings:
        assert all(isinstance(text, str) for text in (finding.rule, finding.message, finding.file))
        assert finding.line is None or type(finding.line) is int
    assert all(isinstance(text, str) for text in analysis.seen.incomplete)
