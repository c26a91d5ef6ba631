"""Evaluates the trace of a scenario against the promises in the docs, without the pipeline's code.

``check`` returns the violations. Each rule names the promise that it checks, and its source:
clearance (the tag follows the evidence), chain (the evidence is complete), statements and answers
(messages are true), completeness (nothing lost or doubled), approver_audit (evidence and email name
who clicked), and here the findings of
``ops verify``.
"""

from collections.abc import Iterator

from tests.simulation.model import (
    answers,
    approver_audit,
    chain,
    clearance,
    comparisons,
    completeness,
    exceptions,
    four_eyes,
    statements,
)
from tests.simulation.model.history import History
from tests.simulation.model.patience import SKEW
from tests.simulation.model.subjects import Attempt, Violation
from tests.simulation.trace import Trace

# How long ops verify lets a tag lag behind, plus the skew of clocks, in seconds.
VERIFY_LETS_LAG = 310.0
# When a scan has begun, in seconds after its upload.
BEGINS = 900.0
OF_THE_SCAN = ("scanner.log", "findings.json", "report.json")
__all__ = ["Violation", "check"]


def check(trace: Trace) -> list[Violation]:
    """Return all violations, in the order of time."""
    history = History(trace)
    all_violations = [
        *clearance.violations(history),
        *chain.violations(history),
        *statements.violations(history),
        *answers.violations(history),
        *completeness.violations(history),
        *approver_audit.violations(history),
        *comparisons.violations(history),
        *exceptions.violations(history),
        *four_eyes.violations(history),
        *_verified(history),
        *_missed(history),
    ]
    return sorted(all_violations, key=lambda all_violation: all_violation.at)


def _verified(history: History) -> Iterator[Violation]:
    """``ops verify`` has a finding only if evidence or clearance is really wrong.

    docs/decisions.md, "Evidence": "so that a change is found".
    """
    for verified in history.verified:
        for scan, file, what in verified.findings:
            attempt = history.attempt(scan)
            if attempt is None:
                right = False
            elif file.startswith("tag"):
                right = clearance.wrong(history, attempt.version, verified.began, verified.at)
            else:
                right = any(
                    attempt_violation.at <= verified.at
                    for attempt_violation in chain.attempt_violations(history, attempt)
                ) or _came_late(history, attempt.scan, file)
                right = right or (file == "scan.json" and _never_begun(attempt, verified.at))
            if not right:
                yield Violation(
                    "verify finds what is right", verified.at, f"{scan}: {file}: {what}"
                )


def _missed(history: History) -> Iterator[Violation]:
    """``ops verify`` reports a clearance that is wrong for longer than the tag may lag."""
    for verified in history.verified:
        named = {scan for scan, _, _ in verified.findings}
        for version in history.versions.values():
            if not named.isdisjoint(attempt.scan for attempt in version.attempts):
                continue
            if clearance.wrong_throughout(
                history, version, verified.began - VERIFY_LETS_LAG, verified.at
            ):
                yield Violation(
                    "verify misses a wrong tag", verified.at, f"{version.key} {version.id}"
                )


def _never_begun(attempt: Attempt, at: float) -> bool:
    """Whether an upload was not even opened although it is there for long: it is not scanned."""
    opened = attempt.files.get("scan.json")
    return (opened is None or opened.at > at) and attempt.version.uploaded < at - BEGINS + SKEW


def _came_late(history: History, scan: str, file: str) -> bool:
    """What a scan wrote that arrived after the evaluation: ``verify`` is right to report it."""
    files = history.attempts[scan].files
    voucher = files.get("gate-result.json" if file == "report.json" else "report.json")
    known = voucher and isinstance(voucher.document, dict) and voucher.document.get("evidence")
    return file in OF_THE_SCAN and file in files and file not in (known or {})
