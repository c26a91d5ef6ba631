"""Several scanners run side by side on one upload, and their results are one report."""

import json
import shlex
import sys
import time
from dataclasses import replace

import pytest

from scan.sarif import recipes
from tests.scan.recorded import Answers, scanned_by
from tests.scan.scanning import Scanned, scanned
from tests.scan.uploads import zipped
from tests.sonarqube import trees

BAD = "import subprocess\n\nsubprocess.call(input(), shell=True)\n"
BOTH = '["bandit", "ruff"]'
SARIF = {
    "version": "2.1.0",
    "runs": [{"tool": {"driver": {"name": "Own", "version": "7"}}, "results": []}],
}

WITH_CUSTOM = '["bandit", "custom"]'
# A tool that reports one file as analysed, and finds nothing in it.
READS_JAVASCRIPT = shlex.join(
    [
        sys.executable,
        "-c",
        f"""
import json, sys
sarif = {SARIF!r}
target = {{"uri": "file://" + sys.argv[1] + "/web/app.js"}}
sarif["runs"][0]["artifacts"] = [{{"location": target, "roles": ["analysisTarget"]}}]
open(sys.argv[2], "w").write(json.dumps(sarif))
""",
        "{source}",
        "{sarif}",
    ]
)


def with_own(
    script: str, files: dict[str, str], names: str, tool: str = "own", **environment: str
) -> Scanned:
    """A scan in which ``custom`` runs a script of Python, with the names source and sarif."""
    head = "import sys; source, sarif, tool = sys.argv[1:]; "
    command = shlex.join([sys.executable, "-c", head + script, "{source}", "{sarif}", tool])
    return scanned(zipped(files), SCANNERS=names, CUSTOM_COMMAND=command, **environment)


def writes(sarif: dict) -> str:
    return f"open(sarif, 'w').write({json.dumps(sarif)!r})"


def test_a_flaw_that_two_scanners_find_is_one_finding_with_both_names():
    report = scanned(zipped({"app.py": BAD}), SCANNERS=BOTH).report

    [finding] = [item for item in report["findings"] if item["severity"] == "HIGH"]
    assert (finding["rule"], finding["line"]) == ("B602", 3)
    assert finding["scanners"] == ["Bandit", "Ruff"]
    assert report["counts"]["HIGH"] == 1
    assert [scanner["name"] for scanner in report["scanners"]] == ["Bandit", "Ruff"]
    assert report["engine"]["name"] == "Bandit, Ruff"


def test_the_order_of_the_list_decides_and_not_who_is_first():
    for names in (["custom", "ruff"], ["ruff", "custom"]):
        script = "import time; time.sleep(1); " + writes(SARIF)
        report = with_own(script, {"app.py": BAD}, json.dumps(names)).report

        expected = {"ruff": "Ruff", "custom": "custom"}
        assert [item["name"] for item in report["scanners"]] == [expected[name] for name in names]


def test_one_scanner_alone_is_reported_as_before():
    report = scanned(zipped({"app.py": BAD}), SCANNERS='["bandit"]').report

    assert all("scanners" not in finding for finding in report["findings"])
    assert [scanner["name"] for scanner in report["scanners"]] == ["Bandit"]
    assert report["scanners"][0]["counts"] == report["counts"]


def test_a_scanner_that_fails_is_named_and_fails_the_gate():
    done = with_own("sys.exit(3)", {"app.py": "x = 1\n"}, '["ruff", "custom"]')

    assert (done.code, done.report["error"]) == (0, None)
    assert done.report["gate"]["status"] == "failed"
    assert {
        "metric": "failed_scanners",
        "comparator": ">",
        "threshold": "0",
        "actual": "1",
        "status": "error",
    } in done.report["gate"]["conditions"]
    ruff, custom = done.report["scanners"]
    assert (ruff["error"], custom["counts"]) == (None, None)
    assert custom["error"]["code"] == "NoSarif"
    assert "exit status 3" in custom["error"]["message"]


def test_what_only_a_failed_scanner_reads_is_unanalysed(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    files = {"app.py": "x = 1\n", "web/app.js": "let x = 1\n"}
    report = scanned(zipped(files), CUSTOM_COMMAND=READS_JAVASCRIPT, SCANNERS=WITH_CUSTOM).report

    assert [item["error"] and item["error"]["code"] for item in report["scanners"]] == [
        "ScannerNotFound",
        None,
    ]
    assert [(item["class"], item["file"]) for item in report["coverage"]["files"]] == [
        ("unanalysed", "app.py")
    ]


def test_where_all_fail_the_scan_has_the_error_of_the_first():
    done = with_own("sys.exit(3)", {"app.py": "x = 1\n"}, '["custom", "semgrep"]')

    assert (done.code, done.error) == (1, "NoSarif")


def test_an_unexpected_error_of_one_scanner_does_not_lose_the_others(monkeypatch):
    from scan.sarif import engine

    real = engine.analyse

    def analyse(scanner, *rest):
        if scanner == "ruff":
            raise ZeroDivisionError("a fault of ours")
        return real(scanner, *rest)

    monkeypatch.setattr(engine, "analyse", analyse)
    done = scanned(zipped({"app.py": BAD}), SCANNERS=BOTH)

    assert [item["error"] and item["error"]["code"] for item in done.report["scanners"]] == [
        None,
        "Unexpected",
    ]
    assert "Ruff: ZeroDivisionError: a fault of ours" in done.log
    assert done.report["counts"]["HIGH"] == 1


def test_a_scanner_that_is_too_slow_is_stopped_with_what_it_started(tmp_path):
    mark = tmp_path / "still-alive"
    child = f"import time; time.sleep(4); open({str(mark)!r}, 'w')"
    script = f"import subprocess; subprocess.run([sys.executable, '-c', {child!r}])"
    began = time.monotonic()
    done = with_own(script, {"app.py": BAD}, '["ruff", "custom"]', SCAN_SECONDS="2")

    assert time.monotonic() - began < 4
    assert done.report["scanners"][1]["error"]["code"] == "ScannerSlow"
    assert "buildTimeout" in done.report["scanners"][1]["error"]["remediation"]
    assert done.report["counts"]["HIGH"] == 1
    time.sleep(3)
    assert not mark.exists()


def test_a_scanner_that_closes_its_output_and_runs_on_is_stopped_too():
    script = "import os, time; os.close(1); os.close(2); time.sleep(20)"
    began = time.monotonic()
    done = with_own(script, {"app.py": BAD}, '["ruff", "custom"]', SCAN_SECONDS="2")

    assert time.monotonic() - began < 10
    assert done.report["scanners"][1]["error"]["code"] == "ScannerSlow"


@pytest.mark.parametrize(
    ("name", "analysed"), [("gitleaks", ["app.py"]), ("checkov", ["app.py", "main.tf"])]
)
def test_only_scanners_for_code_and_infrastructure_make_a_file_analysed(
    name, analysed, monkeypatch
):
    """Both of these say nothing of what they read; alone, all texts count."""
    known = recipes.recipes()
    command = ("{python}", "-c", f"open('{{sarif}}', 'w').write({json.dumps(SARIF)!r})")
    changed = {**known, name: replace(known[name], command=command)}
    for module in ("scan.scanners.recipes", "scan.sarif.engine.all_recipes"):
        monkeypatch.setattr(module, lambda: changed)
    files = {"app.py": "x = 1\n", "web/app.js": "let x = 1\n", "main.tf": "# none\n"}
    done = scanned(zipped(files), SCANNERS=json.dumps(["bandit", name]))

    seen = {item["file"] for item in done.report["coverage"]["files"]}
    assert sorted(files.keys() - seen) == analysed
    alone = scanned(zipped(files), SCANNERS=json.dumps([name]))
    assert alone.report["coverage"]["counts"]["analysed"] == len(files)


def test_a_file_is_analysed_when_any_scanner_reads_its_language():
    files = {"app.py": "x = 1\n", "web/app.js": "let x = 1\n", "a.go": "package a\n"}
    done = scanned(zipped(files), CUSTOM_COMMAND=READS_JAVASCRIPT, SCANNERS=WITH_CUSTOM)

    assert done.report["coverage"]["counts"]["analysed"] == 2
    assert [item["file"] for item in done.report["coverage"]["files"]] == ["a.go"]


def test_a_file_that_one_of_them_cannot_parse_is_unanalysed_by_its_name():
    files = {"app.py": "x = 1\n", "broken.py": "def (:\n"}
    report = scanned(zipped(files), SCANNERS=BOTH).report

    [entry] = report["coverage"]["files"]
    assert (entry["class"], entry["file"]) == ("unanalysed", "broken.py")
    assert entry["reason"].startswith(("Bandit: ", "Ruff: "))
    assert report["gate"]["status"] == "failed"


def test_what_one_scanner_reports_as_analysed_need_not_be_reported_by_the_next():
    """Ruff does not say which files it read, Bandit does."""
    report = scanned(zipped({"app.py": "x = 1\n"}), SCANNERS=BOTH).report
    alone = scanned(zipped({"app.py": "x = 1\n"}), SCANNERS='["ruff"]').report

    assert (report["coverage"]["reported"], alone["coverage"]["reported"]) == (True, False)


def test_the_severities_of_ruff_are_those_of_bandit():
    text = "import subprocess\nassert subprocess\nPASSWORD = 'hunter2-live'\n"
    by_rule = [
        {item["rule"][1:]: item["severity"] for item in report["findings"]}
        for report in (
            scanned(zipped({"app.py": text}), SCANNERS=f'["{name}"]').report
            for name in ("bandit", "ruff")
        )
    ]

    assert by_rule[1].items() <= by_rule[0].items()
    assert set(by_rule[1].values()) == {"LOW"}


def test_a_settings_file_is_hidden_from_its_own_tool_only():
    files = {"a.py": "x = 1\n", ".bandit": "[bandit]\nskips: B602\n", "ruff.toml": ""}
    script = "import os; print('sees', sorted(os.listdir(source))); " + writes(SARIF)
    done = with_own(script, files, '["bandit", "custom"]', tool="ruff")

    assert [item["file"] for item in done.report["ignored"]] == [".bandit", "ruff.toml"]
    assert "custom: sees ['.bandit', 'a.py']" in done.log


def test_the_gates_of_all_count():
    """SonarQube's gate is about its own findings, the limits are about those of the others."""
    both = '["sonarqube", "bandit"]'
    passing = scanned_by(Answers("good"), zipped(trees.GOOD), "good", SCANNERS=both).report
    files = {**trees.GOOD, "more/app.py": BAD}
    failing = scanned_by(Answers("good"), zipped(files), "good", SCANNERS=both).report

    assert passing["gate"]["status"] == "passed"
    assert {item["metric"] for item in passing["gate"]["conditions"]} > {"HIGH", "BLOCKER"}
    assert failing["gate"]["judge"] == "sonarqube"
    failed = [item["metric"] for item in failing["gate"]["conditions"] if item["status"] == "error"]
    assert failed == ["HIGH"]
    assert [item["name"] for item in failing["scanners"]] == ["SonarQube", "Bandit"]


def test_issues_of_sonarqube_are_joined_with_findings_of_the_same_weakness():
    """Issues do not name their weaknesses; the server counts them by CWE (recorded)."""
    both = '["sonarqube", "bandit"]'
    report = scanned_by(Answers("same"), zipped(trees.SAME), "same", SCANNERS=both).report

    listed = [(item["rule"], item["line"], item["scanners"]) for item in report["findings"]]
    assert ("python:S4830", 8, ["SonarQube", "Bandit"]) in listed
    # Two of SonarQube's rules find CWE-327 there, Bandit finds it once.
    assert [item[2] for item in listed if item[1] == 12] == [["SonarQube", "Bandit"], ["SonarQube"]]
    # Each of them is one flaw, but in the limits on Bandit's findings both still count.
    [limit] = [item for item in report["gate"]["conditions"] if item["metric"] == "HIGH"]
    assert int(limit["actual"]) == report["scanners"][1]["counts"]["HIGH"] == 3
    assert report["counts"]["HIGH"] == len(listed) == 4


@pytest.mark.parametrize(
    ("status", "body"), [(403, "{}"), (404, "{}"), (200, "{}"), (200, '{"facets": [1]}')]
)
def test_without_the_weaknesses_nothing_is_joined_and_nothing_is_lost(status, body):
    answers = Answers("same")
    for item in answers.left:
        if item["parameters"].get("facets") == "cwe":
            item.update(status=status, body=body)

    done = scanned_by(answers, zipped(trees.SAME), "same", SCANNERS='["sonarqube", "bandit"]')

    assert done.error is None
    assert {len(item["scanners"]) for item in done.report["findings"]} == {1}
    assert len(done.report["findings"]) == 6
    assert done.report["gate"]["status"] == "failed"
    assert "Going on without the weaknesses of SonarQube's rules" in done.log


def test_each_line_of_the_log_begins_with_the_scanner():
    lines = scanned(zipped({"app.py": BAD}), SCANNERS=BOTH).log.splitlines()

    assert {"Bandit: Scanning with Bandit", "Ruff: Scanning with Ruff"} <= set(lines)


@pytest.mark.parametrize("names", ["[]", "bandit", '["bandit", "bandit"]', "{}"])
def test_a_list_that_is_none_is_a_wrong_build(names, capsys, monkeypatch):
    from scan.__main__ import main

    monkeypatch.setenv("SCANNERS", names)
    for name in ("SCAN", "APP", "UPLOAD_BUCKET", "UPLOAD_KEY", "UPLOAD_VERSION"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("ARTIFACTS_BUCKET", "x")

    assert main() == 1
    assert "pulumi up" in capsys.readouterr().out
