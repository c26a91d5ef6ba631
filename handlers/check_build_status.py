"""Lambda: returns the result of a scan (passed, failed, or error and why), and the card for it."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from domain import report, timestamps
from domain.sanitize import line
from domain.stored_objects import StoredObject
from handlers import (
    build,
    build_log,
    buttons,
    card,
    links,
    measure,
    notification_storm,
    versions,
)
from handlers.evidence import Evidence
from handlers.notification import in_thread

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
THREAD_SLOTS = notification_storm.ThreadSlots(
    bucket=os.environ["STATE_BUCKET"],
    most=int(os.environ["DIGEST_AFTER"]),
    seconds=int(os.environ["DIGEST_SECONDS"]),
)
REGION = os.environ["AWS_REGION"]
PASSED_WITHOUT_BUILD = report.ScanError(
    message="The report says that the gate passed, but its build did not succeed.",
    remediation="Look at the build's log, then upload the zip again: only a build that ends well "
    "is believed to have passed.",
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return ``{status, reason, card, thread, opening, sha256}``.

    No ``card`` where nobody needs to know. ``thread`` is where messages about this scan stand;
    ``opening`` is the card that begins that thread, where this scan is the one to have it shown.

    ``event`` is ``{scan, app, upload: {bucket, key, versionId}, execution, build, error}``, and
    ``expiresAt`` where the time for a decision is known. ``build`` is Step Functions' Build of a
    success, ``error`` its ``{Error, Cause}`` of a failure. Neither they nor exit codes say what
    the gate said: only the report does. ``sha256`` is that of gate-result.json, which holds status
    and card: whatever is seen when this is asked again, what it said first stands.
    """
    evidence = Evidence(ARTIFACTS_BUCKET, event["scan"])
    gate_result = evidence.get("gate-result.json") or _judge(evidence, event)
    return _answer(gate_result)


def _judge(evidence: Evidence, event: Mapping[str, Any]) -> StoredObject:
    """Write the scan's result and its card, unless they are there."""
    scan, error = event["scan"], event.get("error")
    before = {name: evidence.get(name) for name in ("scan.json", "report.json")}
    left = before["report.json"]
    parsed_report = report.parse(left and left.document, scan)
    found_build = build.find(event.get("build"), error)
    scan_links = card.ScanLinks(
        scan=scan,
        app=event["app"],
        key=event["upload"]["key"],
        version_id=event["upload"]["versionId"],
        report=links.web(parsed_report.dashboard) if parsed_report else None,
        build=links.build(REGION, found_build.arn) if found_build else None,
        execution=links.execution(REGION, event["execution"]),
        evidence=links.evidence(REGION, ARTIFACTS_BUCKET, scan),
    )

    status, reason, scan_error, tail = "error", "", None, []
    notification, causes = None, []
    # A report is there before its build ends, and code that took the scanner over could write it.
    passed_without_build = bool(parsed_report and parsed_report.passed) and not (
        found_build and found_build.status == "SUCCEEDED"
    )
    if parsed_report and passed_without_build:
        scan_error = PASSED_WITHOUT_BUILD
    elif parsed_report and parsed_report.error:
        scan_error = parsed_report.error
    elif parsed_report and parsed_report.passed:
        status, reason = "passed", "The quality gate passed."
    elif parsed_report:
        status, reason = "failed", _failed(parsed_report)
        causes = [
            f"quality gate: {condition.name}" for condition in parsed_report.failed_conditions
        ]
        newer = versions.newer(event["upload"])
        card_buttons = buttons.of("failed", scan, decidable=newer is None)
        notification = card.gate_failed(
            scan_links, parsed_report, event.get("expiresAt"), card_buttons, newer
        )
    else:
        tail = build_log.tail(found_build.log_group, found_build.log_stream) if found_build else []
        scan_error = build.diagnose(found_build, error, tail)
    if scan_error:
        reason = scan_error.message
        offered = buttons.of("error", scan, retryable=scan_error.retryable)
        notification = card.scan_error(scan_links, scan_error, parsed_report, tail, offered)

    now = timestamps.now()
    if notification:
        thread = THREAD_SLOTS.thread(scan, event["app"], causes or [reason], now)
        notification = in_thread(notification, thread)
    gate_result = evidence.put_if_absent(
        "gate-result.json",
        {
            "version": 1,
            "scan": scan,
            "status": status,
            "reason": line(reason, 200),
            "retryable": scan_error is None or scan_error.retryable,
            "evaluatedAt": timestamps.iso(now),
            "card": notification,
            "evidence": {name: stored.sha256 for name, stored in before.items() if stored},
        },
    )
    current, opened = gate_result.document, before["scan.json"]
    measured = measure.fields(
        scan, event["app"], current["status"], opened and opened.document, current["evaluatedAt"]
    )
    log.info("scan completed", extra={**measured, "reason": current["reason"]})
    return gate_result


def _answer(gate_result: StoredObject) -> dict[str, Any]:
    current = gate_result.document
    thread = current["card"]["metadata"]["threadId"] if current["card"] else current["scan"]
    return {
        "status": current["status"],
        "reason": current["reason"],
        "card": current["card"],
        "thread": thread,
        "opening": THREAD_SLOTS.digest(thread, current["scan"]),
        "sha256": gate_result.sha256,
    }


def _failed(parsed_report: report.Report) -> str:
    metrics = ", ".join(condition.metric for condition in parsed_report.failed_conditions)
    return f"The quality gate failed: {metrics}"
