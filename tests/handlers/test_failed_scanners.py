"""What people see of several scanners: who found what, and which of them failed to run."""

import copy
import json
from pathlib import Path

import pytest

from domain import report
from domain.findings import FAILED_SCANNERS
from domain.uploader import Uploader
from handlers import card, email_body, not_scanned, outcome

EVENTS = Path(__file__).parent.parent / "events"
FAILED = json.loads((EVENTS / "report-failed.json").read_text())
LINKS = card.ScanLinks(
    scan=FAILED["scan"],
    app="payments",
    key=FAILED["upload"]["key"],
    version_id=FAILED["upload"]["versionId"],
)
ERROR = {"code": "ScannerSlow", "message": "It was stopped.", "remediation": "Raise buildTimeout."}
CONDITION = {
    "metric": FAILED_SCANNERS,
    "comparator": ">",
    "threshold": "0",
    "actual": "1",
    "status": "error",
}


def document(*conditions, error=ERROR):
    """The report of two scanners, of which the second failed."""
    changed = copy.deepcopy(FAILED)
    changed["gate"]["conditions"] = [*map(dict, conditions), dict(CONDITION)]
    changed["findings"][0]["scanners"] = ["Bandit", "Ruff"]
    changed["scanners"] = [
        {"name": "Bandit", "version": "1.9.4", "counts": changed["counts"], "error": None},
        {"name": "Semgrep", "version": "", "counts": None, "error": error},
    ]
    return changed


def parsed(*conditions):
    return report.read(document(*conditions), FAILED["scan"])


def test_the_card_names_who_found_what_and_who_failed():
    description = card.gate_failed(LINKS, parsed(), None, None)["content"]["description"]

    assert "by Bandit, Ruff)" in description
    assert "*Semgrep failed to run:* It was stopped. Raise buildTimeout." in description
    assert "*failed scanners:* `1` (limit 0)" in description


def test_the_email_names_who_found_what_and_who_failed():
    at = "2026-11-24T10:00:00Z"
    scan = {"app": "payments", "key": "a.zip", "versionId": "v", "uploadedAt": at}
    decision = {"decision": "rejected", "reason": "because", "decidedAt": at, "expiresAt": None}
    described = outcome.describe("rejected", "a.zip", decision, None, "")
    mail = email_body.compose(described, scan, Uploader("", ""), parsed(), decision, None, {})

    for text in (mail.text(), mail.html()):
        assert "by Bandit, Ruff)" in text
        assert "Semgrep: It was stopped. Raise buildTimeout." in text


def test_if_only_a_scanner_failed_there_is_nothing_to_fix_in_the_code():
    assert not_scanned.remedy(parsed()) == "upload it again once all scanners can run"
    with_findings = parsed({**CONDITION, "metric": "HIGH"})
    assert not_scanned.remedy(with_findings) == "fix the findings and upload again"


@pytest.mark.parametrize(
    ("actual", "error"), [("2", ERROR), ("1", None), ("0", ERROR)], ids=["more", "none", "hidden"]
)
def test_a_report_whose_gate_and_scanners_disagree_is_refused(actual, error):
    changed = document(error=error)
    changed["gate"]["conditions"][0]["actual"] = actual

    assert report.parse(changed, FAILED["scan"]) is None


def test_a_report_that_hides_a_failed_scanner_is_refused():
    changed = document({**CONDITION, "metric": "HIGH"})
    changed["gate"]["conditions"].pop()

    assert report.parse(changed, FAILED["scan"]) is None


@pytest.mark.parametrize("names", ["Bandit", {"a": 1}, 7])
def test_scanners_of_another_form_are_refused(names):
    changed = document()
    changed["findings"][0]["scanners"] = names

    assert report.parse(changed, FAILED["scan"]) is None
