"""Reads SARIF 2.1.0 of any tool; section numbers are those of the OASIS standard."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scan.broken import Broken
from scan.finding import Analysis, Finding, IgnoredSetting, Seen, counts
from scan.sarif import place
from scan.sarif.rule import Rule, rule_of
from scan.sarif.severity import severity

MEND = "Check the setting sarifCommand; the scanner's log says what the tool said."


def read(
    sarif: Path,
    *,
    source: Path,
    folder: Path,
    ignored: Sequence[IgnoredSetting] = (),
    in_source: bool = False,
) -> Analysis:
    """The analysis in the file ``sarif`` of a tool that ran in ``folder`` on ``source``.

    ``in_source`` says whether comments in the code may suppress findings.

    Raises:
        Broken: it is no SARIF 2.1.0, or it says that the tool failed.
    """
    try:
        log = json.loads(sarif.read_text(encoding="utf-8-sig"))
        if log["version"] != "2.1.0" or not log["runs"]:
            raise ValueError("it is not a SARIF 2.1.0 log with runs")
        runs = log["runs"]
        for run in runs:
            _check_success(run)
        findings = [
            _finding(result, run, source, folder)
            for run in runs
            for result in run.get("results") or []
            if _stands(result, in_source)
        ]
        drivers = [run["tool"]["driver"] for run in runs]
        analysed = [_analysed(run, source, folder) for run in runs]
        lines = [_lines(run) for run in runs]
        return Analysis(
            engine=", ".join(dict.fromkeys(str(each["name"]) for each in drivers)),
            version=", ".join(dict.fromkeys(_version(each) for each in drivers)),
            seen=Seen(
                analysed=None if None in analysed else frozenset().union(*filter(None, analysed)),
                languages=None,
                unread={
                    file: "the scanner could not read it"
                    for run in runs
                    for file in _unread(run, source, folder)
                },
            ),
            lines=None if None in lines else max(each or 0 for each in lines),
            counts=counts(findings),
            findings=findings,
            ignored=ignored,
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
        raise Broken("BrokenSarif", f"The tool's SARIF cannot be read: {why}.", MEND) from error


def _check_success(run: dict[str, Any]) -> None:
    """3.20.14: a tool may say itself that it failed."""
    for invocation in run.get("invocations") or []:
        if invocation.get("executionSuccessful") is False:
            name = run["tool"]["driver"]["name"]
            why = invocation.get("exitCodeDescription") or "it says that its run was not successful"
            raise Broken("ScannerFailed", f"{name}: {why}.", MEND)


def _stands(result: dict[str, Any], in_source: bool) -> bool:
    """Whether a result is a finding: something failed, is there now, and is not suppressed."""
    if result.get("kind", "fail") in {"pass", "notApplicable"}:  # 3.27.9
        return False
    if result.get("baselineState") == "absent":  # 3.27.24
        return False
    # 3.27.23 and 3.35: suppressed unless one of them is under review or rejected. A comment in the
    # code is the uploader's wish to hide a finding, as an exclusion is.
    suppressions = result.get("suppressions") or []
    return not suppressions or not all(
        each.get("status", "accepted") == "accepted"
        and (in_source or each.get("kind") != "inSource")
        for each in suppressions
    )


def _finding(result: dict[str, Any], run: dict[str, Any], source: Path, folder: Path) -> Finding:
    rule = rule_of(result, run)
    file, line = place.of(result, run, source, folder)
    return Finding(
        rule=rule.id,
        severity=severity(result, rule, run),
        message=_message(result, rule),
        file=file,
        line=line,
        link=rule.link,
    )


def _message(result: dict[str, Any], rule: Rule) -> str:
    """3.11: text, or the id of a text that the rule holds, with its arguments."""
    message = result.get("message") or {}
    text = message.get("text") or message.get("markdown")
    if not text and "id" in message:
        text = rule.texts.get(message["id"], {}).get("text", "")
        for number, argument in enumerate(message.get("arguments") or []):
            text = text.replace(f"{{{number}}}", str(argument))
    return " ".join(str(text or rule.title or rule.id).split())


def _version(driver: dict[str, Any]) -> str:
    return str(driver.get("semanticVersion") or driver.get("version") or "unknown")


def _analysed(run: dict[str, Any], source: Path, folder: Path) -> frozenset[str] | None:
    """Bandit tells by its metrics per file, others by artifacts with a role (3.24.6)."""
    metrics = (run.get("properties") or {}).get("metrics")
    if isinstance(metrics, dict) and "_totals" in metrics:
        uris = [{"uri": each} for each in metrics if each != "_totals"]
    else:
        artifacts = [each for each in run.get("artifacts") or [] if each.get("roles")]
        if not artifacts:
            return None
        uris = [each["location"] for each in artifacts if "analysisTarget" in each["roles"]]
    return frozenset(
        place.of(
            {"locations": [{"physicalLocation": {"artifactLocation": each}}]}, run, source, folder
        )[0]
        for each in uris
    )


def _unread(run: dict[str, Any], source: Path, folder: Path) -> set[str]:
    """Files about which the tool tells an error: it could not read or parse them."""
    return {
        place.of({"locations": [location]}, run, source, folder)[0]
        for invocation in run.get("invocations") or []
        for kind in ("toolConfigurationNotifications", "toolExecutionNotifications")
        for notification in invocation.get(kind) or []
        if notification.get("level") == "error"
        for location in notification.get("locations") or []
    }


def _lines(run: dict[str, Any]) -> int | None:
    metrics = (run.get("properties") or {}).get("metrics")
    if isinstance(metrics, dict) and "_totals" in metrics:
        return int(metrics["_totals"]["loc"])
    return None
