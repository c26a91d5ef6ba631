"""Whether an exception for one version covers another version of the app."""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from . import coverage
from .changes import Matches, matches
from .coverage import files
from .findings import SEVERITIES, Condition
from .findings_document import AllFindings
from .report import Report
from .sanitize import line

# Metrics that are not made of findings, and those that are: of these any finding may be the cause.
# What others are made of is not in the evidence, such as accepted issues, risks of dependencies.
# Names as in https://docs.sonarsource.com/sonarqube-server/user-guide/code-metrics/.
WITHOUT_FINDINGS = ("coverage", "duplicat", "lines", "complexity")
OF_HOTSPOTS = re.compile(r"(new_)?security_(hotspots|hotspots_reviewed|review_rating)")
OF_ISSUES = re.compile(
    r"(new_)?(software_quality_)?("
    r"(security|reliability|maintainability)_(rating|issues|remediation_effort|debt_ratio)"
    r"|(blocker|critical|major|minor|info)_violations|violations|bugs|vulnerabilities|code_smells"
    r"|(blocker|high|medium|low|info|open|confirmed|reopened|prioritized_rule)_issues"
    r"|sqale_(rating|index|debt_ratio)|technical_debt|effort_to_reach_maintainability_rating_a)"
)
LONGEST_NAME = 100


def not_covered(
    report: Report, findings: AllFindings, approved: Report, approved_findings: AllFindings
) -> list[str]:
    """Why an approval of the version ``approved`` does not cover that of ``report``.

    Returns sentences; none if it covers it.
    """
    for whose, one, its in (
        ("this", report, findings),
        ("the approved", approved, approved_findings),
    ):
        if not its.complete:
            return [f"Not all findings of {whose} version are recorded with their identity."]
        if one.counts != _counts(its):
            return [f"The findings of {whose} version are not as many as its report counts."]
    if report.failed_scanners:
        names = ", ".join(line(scanner.name, LONGEST_NAME) for scanner in report.failed_scanners)
        return [f"What these scanners would find is unknown, since they failed to run: {names}."]
    if not report.failed_conditions:
        return ["The gate of this version has no failed condition."]
    matched = matches(approved_findings, findings)
    reasons = [
        reason
        for condition in report.failed_conditions
        for reason in _reasons(condition, report, findings, approved, approved_findings, matched)
    ]
    return list(dict.fromkeys(reasons))


def _counts(findings: AllFindings) -> dict[str, int]:
    counted = Counter(finding.severity for finding in findings.findings)
    return {severity: counted[severity] for severity in SEVERITIES}


def _reasons(
    condition: Condition,
    report: Report,
    findings: AllFindings,
    approved: Report,
    approved_findings: AllFindings,
    matched: Matches,
) -> Iterator[str]:
    name = line(condition.name, LONGEST_NAME)
    same = [item for item in approved.failed_conditions if item.metric == condition.metric]
    if not same:
        yield f"The approved version did not fail for {name}."
        return
    if any(_is_stricter(condition, item) for item in same):
        yield f"The gate is stricter now for {name}."
    if condition.metric in coverage.CONDITIONS:
        yield from _new_files(coverage.CONDITIONS[condition.metric], report, findings, matched)
        return
    if condition.metric in SEVERITIES:
        yield from _new_findings(condition.metric, findings, matched)
        return
    if any(_is_worse(condition, item) for item in same):
        yield f"Worse than in the approved version: {name}."
    if any(part in condition.metric for part in WITHOUT_FINDINGS):
        return
    if OF_HOTSPOTS.fullmatch(condition.metric):
        if not (findings.hotspots and approved_findings.hotspots):
            yield f"Not all security hotspots of both versions could be read, but {name} failed."
    elif not OF_ISSUES.fullmatch(condition.metric):
        yield f"What {name} counts is not among the findings."
    for severity in SEVERITIES:
        yield from _new_findings(severity, findings, matched)


def _new_findings(severity: str, findings: AllFindings, matched: Matches) -> Iterator[str]:
    new = sum(
        finding.severity == severity
        for position, finding in enumerate(findings.findings)
        if position not in matched.findings
    )
    if new:
        yield f"New {severity} findings: {new:,}."


def _new_files(kind: str, report: Report, findings: AllFindings, matched: Matches) -> Iterator[str]:
    entries = [(at, entry) for at, entry in enumerate(findings.unseen) if entry.kind == kind]
    new = sum(entry.files for at, entry in entries if at not in matched.unseen)
    counted = report.coverage.counts[kind] if report.coverage else 0
    if new:
        yield f"New or changed: {files(new, f'{kind} file')}."
    if counted != sum(entry.files for _, entry in entries):
        yield f"Not all {kind} files of this version are recorded."


def _is_stricter(now: Condition, approved: Condition) -> bool:
    """Whether a value that the approved condition lets pass could fail now."""
    further = _further(now.threshold, approved.threshold, now.comparator)
    return now.comparator != approved.comparator or further is None or further < 0


def _is_worse(now: Condition, approved: Condition) -> bool:
    further = _further(now.actual, approved.actual, now.comparator)
    return further is None or further > 0


def _further(now: str, approved: str, comparator: str) -> Decimal | None:
    """By how much ``now`` is further in the direction that fails; None if that is unknown."""
    if now == approved:
        return Decimal(0)
    try:
        difference = Decimal(now) - Decimal(approved)
    except ArithmeticError:  # no number, or a hostile one that is too large
        return None
    if difference.is_nan() or comparator not in (">", "<"):
        return None
    return difference if comparator == ">" else -difference
