"""Renders the result of a scan as JUnit XML, which most build servers show as tests.

There is no standard. This is what both common schemas accept: Jenkins's (junit-10.xsd of its xUnit
plugin) and that of Ant's task (JUnit.xsd).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

from domain import coverage, timestamps
from domain.findings import FAILED_SCANNERS, SEVERITIES, Condition
from domain.sanitize import line
from ops.formats.result import ScanResult

# Findings that a test names; SARIF has all.
MOST = 100
LONGEST = 1000
# XML 1.0, section 2.2: what is left of these after `line`.
FORBIDDEN = re.compile("[\ufffe\uffff]")


def text(result: ScanResult) -> str:
    """Return the file: a suite for the gate with a test for each condition."""
    suites = ElementTree.Element("testsuites")
    tests = list(_tests(result))
    kinds = [outcome.tag for test in tests for outcome in test]
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=f"Quality gate of {result.app}",
        package="chatops",
        id="0",
        timestamp=_started(result),
        hostname="chatops",
        tests=str(len(tests)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time="0",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(result):
        ElementTree.SubElement(properties, "property", name=name, value=_clean(value))
    suite.extend(tests)
    output = ElementTree.SubElement(suite, "system-out")
    output.text = "\n".join(_findings(result, SEVERITIES))
    ElementTree.SubElement(suite, "system-err")
    ElementTree.indent(suites)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}{ElementTree.tostring(suites, encoding='unicode')}\n"


def _tests(result: ScanResult) -> Iterator[ElementTree.Element]:
    """One for each condition, and one that fails if none of them says why it was not cleared.

    At least one, since build servers refuse a file without tests.
    """
    conditions = result.evaluated.conditions if result.evaluated else ()
    for condition in conditions:
        test = _test(result, condition.name)
        if condition.failed:
            what = f"{condition.name}: {condition.actual_text} ({condition.expected_text})"
            _fail(test, result, what, _reasons(result, condition))
        yield test
    is_explained = result.is_cleared or any(condition.failed for condition in conditions)
    if not conditions or not is_explained:
        test = _test(result, "Scan")
        if not result.is_cleared:
            _outcome(test, "error", "scan", result.sentence).text = _clean(result.why)
        yield test


def _fail(test: ElementTree.Element, result: ScanResult, what: str, reasons: Iterable[str]) -> None:
    """A condition that people made an exception for is skipped: the version is cleared."""
    if result.is_cleared:
        _outcome(test, "skipped", "exception", f"{what}; {result.sentence}")
    else:
        _outcome(test, "failure", "condition", what).text = "\n".join(reasons)


def _test(result: ScanResult, name: str) -> ElementTree.Element:
    classname = f"chatops.{result.app}"
    return ElementTree.Element("testcase", classname=classname, name=_clean(name), time="0")


def _outcome(test: ElementTree.Element, tag: str, kind: str, message: str) -> ElementTree.Element:
    return ElementTree.SubElement(test, tag, message=_clean(message), type=kind)


def _reasons(result: ScanResult, condition: Condition) -> list[str]:
    """The findings, or files, that a condition counts; empty for a metric of another kind."""
    if condition.metric in SEVERITIES:
        return _findings(result, [condition.metric])
    report = result.evaluated
    if report and condition.metric == FAILED_SCANNERS:
        return [_clean(f"{scanner.name}: {scanner.error}") for scanner in report.failed_scanners]
    kind = coverage.CONDITIONS.get(condition.metric)
    if not (report and report.coverage and kind):
        return []
    unseen = report.coverage.named(kind)
    return [_clean(f"{entry.file or 'A file'}: {entry.reason}") for entry in unseen]


def _findings(result: ScanResult, severities: Iterable[str]) -> list[str]:
    some = [finding for finding in result.new_first if finding.severity in severities]
    lines = [
        _clean(
            f"{'New: ' if result.is_new(finding) else ''}"
            f"{finding.severity} {finding.rule_by} {finding.location}: {finding.message}"
        )
        for finding in some[:MOST]
    ]
    counts = result.evaluated.counts if result.evaluated else {}
    more = sum(counts[severity] for severity in severities if counts) - len(lines)
    return [*lines, f"and {more:,} more"] if more > 0 else lines


def _properties(result: ScanResult) -> Iterator[tuple[str, str]]:
    known: dict[str, Any] = {
        "scan": result.scan,
        "status": result.status,
        "result": result.sentence,
        "engine": result.parsed.engine if result.parsed else "",
        "baseline": result.baseline if result.changes else "",
        **result.origin._asdict(),
    }
    yield from ((name.replace("_", "-"), str(value)) for name, value in known.items() if value)


def _started(result: ScanResult) -> str:
    """When the scan began, else now; in UTC, since both schemas want no time zone."""
    started = result.time("startedAt") or timestamps.iso(timestamps.now())
    return started.removesuffix("Z")


def _clean(value: object) -> str:
    return FORBIDDEN.sub("", line(value, LONGEST))
