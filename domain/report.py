"""Parses the scanner's report, which is untrusted: hostile code may have taken over its scan."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from . import coverage, email_address, origin
from .coverage import Coverage
from .findings import (
    FAILED_SCANNERS,
    SEVERITIES,
    Condition,
    Finding,
    IgnoredSetting,
    scanners_of,
)
from .origin import Origin


class ScanError(NamedTuple):
    """Why a scan failed to run: what is wrong and how to fix it, a sentence each.

    ``retryable`` says whether another scan of the same bytes could succeed.
    """

    message: str
    remediation: str
    retryable: bool = True


class Scanner(NamedTuple):
    """A scanner that was run; ``error`` says why it failed to run, empty if it did not."""

    name: str
    error: str


class Report(NamedTuple):
    """Either ``error`` says why nothing was evaluated, or ``passed`` is the gate's result.

    ``scanner`` is the engine without its version, ``scanners`` has each that was run, none in
    earlier evidence; ``coverage`` is None if nothing was analysed. ``uploader`` is an email address
    as the uploader gave it, or empty; ``origin`` is a claim, too.
    """

    engine: str
    scanner: str
    coverage: Coverage | None
    limits_applied: bool
    passed: bool
    conditions: tuple[Condition, ...]
    counts: dict[str, int]
    findings: tuple[Finding, ...]
    ignored: tuple[IgnoredSetting, ...]
    dashboard: str | None
    uploader: str
    origin: Origin
    error: ScanError | None
    scanners: tuple[Scanner, ...] = ()

    @property
    def completed(self) -> frozenset[str]:
        """The names of the scanners that did not fail; none where that is unknown."""
        return frozenset(scanner.name for scanner in self.scanners if not scanner.error)

    @property
    def failed_scanners(self) -> list[Scanner]:
        """The scanners that failed to run while another did not."""
        return [scanner for scanner in self.scanners if scanner.error]

    @property
    def counted(self) -> str:
        """The findings by severity, for example ``2 HIGH, 1 LOW``; empty if there are none."""
        return ", ".join(
            f"{self.counts[severity]} {severity}"
            for severity in SEVERITIES
            if self.counts[severity]
        )

    @property
    def failed_conditions(self) -> list[Condition]:
        """The conditions that fail the gate; none if it passed."""
        return [condition for condition in self.conditions if condition.failed]

    @property
    def failed_findings(self) -> bool:
        """Whether the gate fails by more than files and scanners, so by what is in the code."""
        known = {FAILED_SCANNERS, *coverage.CONDITIONS}
        return any(condition.metric not in known for condition in self.failed_conditions)

    @property
    def failed_unseen(self) -> int:
        """How many files were not analysed, if nothing else fails the gate; else 0."""
        failed = {condition.metric for condition in self.failed_conditions}
        if self.coverage is None or not failed <= coverage.CONDITIONS.keys():
            return 0
        return sum(self.coverage.counts[coverage.CONDITIONS[metric]] for metric in failed)


def parse(document: Any, scan: str) -> Report | None:
    """Return the report of ``scan``, None if ``document`` is invalid."""
    try:
        return read(document, scan)
    except ValueError:
        return None


def read(document: Any, scan: str) -> Report:
    """Return the report of ``scan``.

    Raises:
        ValueError: it is invalid, for example because its gate evaluated nothing, passed despite a
            failed condition, or contradicts its coverage; the message says why.
    """
    try:
        if document["scan"] != scan:
            raise ValueError("it is another scan's")
        report = _parse(document)
        if not report.error:
            _check(report, document["gate"])
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"it is not in the form of a report: {error!r}") from error
    return report


def _check(report: Report, gate: dict[str, Any]) -> None:
    """Raise ValueError if the gate contradicts its conditions or the coverage."""
    if not report.conditions:
        raise ValueError("its gate evaluated nothing")
    if report.passed == bool(report.failed_conditions):
        raise ValueError("its gate is not what follows from its conditions")
    if why := coverage.contradiction(report.coverage, gate):
        raise ValueError(why)
    counted = [item.actual for item in report.failed_conditions if item.metric == FAILED_SCANNERS]
    if counted != ([str(len(report.failed_scanners))] if report.failed_scanners else []):
        raise ValueError("its gate and its scanners say otherwise about which of them failed")


def _parse(document: dict[str, Any]) -> Report:
    gate, error, engine = document["gate"], document["error"], document["engine"]
    if (gate is None) == (error is None) or document["version"] != 1:
        raise ValueError("one of gate and error, in version 1")
    if gate and gate["status"] not in ("passed", "failed"):
        raise ValueError("unknown status")
    return Report(
        engine=_engine(engine, document.get("scanners", ())) if engine else "",
        scanner=str(engine["name"]) if engine else "",
        coverage=coverage.parse(document["coverage"]),
        limits_applied=bool(gate) and gate["judge"] == "limits",
        passed=bool(gate) and gate["status"] == "passed",
        conditions=tuple(
            Condition(
                metric=str(condition["metric"]),
                comparator=str(condition["comparator"]),
                threshold=str(condition["threshold"]),
                actual=str(condition["actual"]),
                status=str(condition["status"]),
            )
            for condition in (gate["conditions"] if gate else ())
        ),
        counts={name: _count(document["counts"].get(name)) or 0 for name in SEVERITIES},
        findings=tuple(
            Finding(
                rule=str(finding["rule"]),
                severity=str(finding["severity"]),
                message=str(finding["message"]),
                file=str(finding["file"]),
                line=_count(finding["line"]),
                link=finding["link"],
                fingerprint=str(finding.get("fingerprint", "")),
                scanners=scanners_of(finding),
            )
            for finding in document["findings"]
        ),
        ignored=tuple(
            IgnoredSetting(
                file=str(setting["file"]),
                key=str(setting["key"]),
                value=str(setting["value"]),
                weakens=bool(setting["weakens"]),
            )
            for setting in document["ignored"]
        ),
        dashboard=document["links"]["dashboard"],
        uploader=email_address.address(document["upload"].get("uploader")),
        origin=origin.of_document(document["upload"].get("origin")),
        error=_scan_error(error) if error else None,
        # Earlier evidence has none.
        scanners=tuple(map(_scanner, document.get("scanners", ()))),
    )


def _engine(engine: dict[str, Any], scanners: Sequence[dict[str, Any]]) -> str:
    """For example ``Bandit 1.9.4``, or ``Bandit 1.9.4, Ruff 0.17.6``; not those that failed."""
    completed = [scanner for scanner in scanners if not scanner["error"]]
    named = completed if len(scanners) > 1 else [engine]
    return ", ".join(f"{item['name']} {item['version'] or ''}".strip() for item in named)


def _scanner(entry: dict[str, Any]) -> Scanner:
    error = entry["error"]
    return Scanner(
        str(entry["name"]), f"{error['message']} {error['remediation']}" if error else ""
    )


def _scan_error(error: dict[str, Any]) -> ScanError:
    # Reports without the field are retryable.
    retryable = error.get("retryable") is not False
    return ScanError(
        message=str(error["message"]),
        remediation=str(error["remediation"]),
        retryable=retryable,
    )


def _count(value: Any) -> int | None:
    return None if value is None else int(value)
