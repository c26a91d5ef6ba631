"""Renders the findings of a scan as SARIF 2.1.0; section numbers are those of the OASIS standard.

GitHub's code scanning reads a part of it:
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from domain.findings import Finding
from domain.json_values import as_dict
from domain.sanitize import line
from ops.formats.result import LONGEST_MESSAGE, LONGEST_NAME, ScanResult, relative

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# The root of what was scanned, by the name that GitHub and other tools use for it.
ROOT = "%SRCROOT%"
LEVELS = {"BLOCKER": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note", "INFO": "none"}
# Within the ranges by which code scanning shows a rule as critical, high, medium and low.
SCORES = {"BLOCKER": "9.5", "HIGH": "8.0", "MEDIUM": "5.5", "LOW": "2.0"}
# Not `primaryLocationLineHash`, which GitHub's upload action calculates from the code, and warns of
# each result with another value.
FINGERPRINT = "chatopsFinding/v1"
TIMES = {"startTimeUtc": "startedAt", "endTimeUtc": "finishedAt"}
Json = dict[str, Any]


def text(result: ScanResult) -> str:
    """Return the file."""
    return json.dumps(document(result))


def document(result: ScanResult) -> Json:
    """Return the log with one run.

    A scan that failed to run has no ``results``, not even an empty list, which would mean that
    there are no findings (3.14.23), and close all alerts.
    """
    report = result.parsed
    name = line(report.scanner, LONGEST_NAME) if report else ""
    driver: Json = {"name": name or "chatops"}
    engine = as_dict(as_dict(result.report).get("engine")) if report else {}
    if version := line(str(engine.get("version") or ""), LONGEST_NAME):
        driver["version"] = version
    run: Json = {
        "tool": {"driver": driver},
        # Runs of one id replace each other, so that each app has its own alerts.
        "automationDetails": {"id": f"chatops/{result.app}/"},
        "invocations": [_invocation(result)],
        **_provenance(result),
        "properties": {
            "scan": result.scan,
            "status": result.status,
            **({"baseline": result.baseline} if result.changes else {}),
        },
    }
    if result.evaluated:
        # One rule for each severity that it has: code scanning takes the severity from the rule.
        rules: dict[tuple[str, str], list[Finding]] = {}
        for finding in result.listed:
            rules.setdefault((finding.rule, finding.severity), []).append(finding)
        numbers = {key: number for number, key in enumerate(rules)}
        hashes = Counter[str]()
        driver["rules"] = [_rule(*key, some) for key, some in rules.items()]
        run["results"] = [
            _result(finding, numbers[finding.rule, finding.severity], hashes)
            | _baseline_state(result, finding)
            for finding in result.listed
        ]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str, severity: str, findings: list[Finding]) -> Json:
    messages, links = ({*map(of, findings)} for of in (_message, lambda finding: finding.link))
    title = messages.pop() if len(messages) == 1 else rule
    link = links.pop() if len(links) == 1 else None
    described: Json = {
        "id": rule,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": f"{rule}: {link}" if link else rule},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {"tags": ["security"]},
    }
    if link:
        described["helpUri"] = link
    if severity in SCORES:
        described["properties"]["security-severity"] = SCORES[severity]
    return described


def _result(finding: Finding, rule: int, hashes: Counter[str]) -> Json:
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding, hashes)},
        "properties": {
            "severity": finding.severity,
            **({"scanners": list(finding.scanners)} if finding.scanners else {}),
        },
    }
    if result["level"] == "none":
        result["kind"] = "informational"  # 3.27.10: no failure is without a level
    if location := _location(finding.file, finding.line):
        result["locations"] = [location]
    elif finding.file:
        result["message"]["text"] += f" ({line(finding.file, LONGEST_NAME)})"
    if finding.link:
        result["hostedViewerUri"] = finding.link
    return result


def _baseline_state(result: ScanResult, finding: Finding) -> Json:
    """3.27.24. ``baselineGuid`` is left out, since a scan's id is no GUID."""
    if not result.changes:
        return {}
    return {"baselineState": "new" if result.is_new(finding) else "unchanged"}


def _message(finding: Finding) -> str:
    """3.11.6: ``[text](target)`` would be a link in a message."""
    return finding.message.replace("](", "] (")


def _fingerprint(finding: Finding, hashes: Counter[str]) -> str:
    """The same in the next scan, even if other lines move; equal findings are numbered."""
    # Earlier evidence has no fingerprint.
    identity = finding.fingerprint or f"{finding.rule}\0{finding.message}"
    same = f"{identity}\0{finding.file}"
    sha256 = hashlib.sha256(same.encode(errors="replace")).hexdigest()[:32]
    hashes[sha256] += 1
    return f"{sha256}:{hashes[sha256]}"


def _location(file: str, number: int | None) -> Json | None:
    if not relative(file):
        return None
    uri = quote(file, safe="/", errors="replace")
    physical: Json = {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}}
    if number is not None:
        physical["region"] = {"startLine": number}
    return {"physicalLocation": physical}


def _invocation(result: ScanResult) -> Json:
    return {
        "executionSuccessful": result.evaluated is not None,
        **{name: time for name, field in TIMES.items() if (time := result.time(field))},
        "toolExecutionNotifications": list(_notifications(result)),
    }


def _notifications(result: ScanResult) -> Iterator[Json]:
    """Why there are no results, or what they lack; an error says that a run is incomplete."""
    if not result.evaluated:
        yield _notification("error", result.why)
        return
    for scanner in result.evaluated.failed_scanners:
        yield _notification("error", f"{scanner.name} failed to run: {scanner.error}")
    for entry in result.unanalysed:
        notification = _notification("error", f"Not analysed: {entry.reason}")
        if location := _location(entry.file, None):
            notification["locations"] = [location]
        yield notification
    coverage = result.evaluated.coverage
    if coverage and (more := coverage.left_out("unanalysed", len(result.unanalysed))):
        yield _notification("error", f"Not analysed: {more:,} more files")
    if result.omitted:
        yield _notification(
            "warning", f"{result.omitted:,} more findings are counted, but not among these results"
        )


def _notification(level: str, message: str) -> Json:
    return {"level": level, "message": {"text": line(message, LONGEST_MESSAGE) or "unknown"}}


def _provenance(result: ScanResult) -> Json:
    """3.14.9: where the code came from, as the upload claims."""
    claimed = result.origin
    if not claimed.repository:
        return {}
    known = {"revisionId": claimed.commit, "branch": claimed.branch}
    version = {name: value for name, value in known.items() if value}
    return {"versionControlProvenance": [{"repositoryUri": claimed.repository, **version}]}
