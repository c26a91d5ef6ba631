"""In each format a finding has the names of its scanners, and one that failed to run is named."""

from ops.formats import github, junit, sarif
from tests.ops.formats.results import FINDING, evaluated

CONDITION = {
    "metric": "failed_scanners",
    "comparator": ">",
    "threshold": "0",
    "actual": "1",
    "status": "error",
}
SCANNERS = [
    {"name": "Bandit", "version": "1", "counts": {}, "error": None},
    {
        "name": "Semgrep",
        "version": "",
        "counts": None,
        "error": {"code": "X", "message": "It was stopped.", "remediation": "Give it time."},
    },
]
RESULT = evaluated(
    {**FINDING, "scanners": ["Bandit", "Ruff"]},
    gate={"status": "failed", "judge": "limits", "conditions": [CONDITION]},
    scanners=SCANNERS,
)
WHY = "It was stopped. Give it time."


def test_annotations_and_summary_name_them(capsys):
    github.annotate(RESULT, to_stderr=False)

    printed = capsys.readouterr().out
    assert "title=HIGH B602 by Bandit%2C Ruff" in printed
    assert f"title=Semgrep failed to run::{WHY}" in printed
    assert "Semgrep | It was stopped. Give it time." in github.summary(RESULT).replace("\\", "")


def test_the_test_of_the_condition_says_which():
    assert f"Semgrep: {WHY}" in junit.text(RESULT)
    assert "B602 by Bandit, Ruff" in junit.text(RESULT)


def test_the_results_have_their_scanners_and_the_run_is_incomplete():
    [run] = sarif.document(RESULT)["runs"]

    assert run["results"][0]["properties"]["scanners"] == ["Bandit", "Ruff"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert {"level": "error", "message": {"text": f"Semgrep failed to run: {WHY}"}} in notes
