"""Lambda: says what a scan came to (passed, failed, or broken and why), and how to tell people."""

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
    flood,
    links,
    measure,
    versions,
)
from handlers.evidence import Evidence
from handlers.notification import in_thread

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
PLACES = flood.Places(
    bucket=os.environ["STATE_BUCKET"],
    most=int(os.environ["DIGEST_AFTER"]),
    seconds=int(os.environ["DIGEST_SECONDS"]),
)
REGION = os.environ["AWS_REGION"]
UNBELIEVABLE = report.Trouble(
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
    verdict = evidence.get("gate-result.json") or _judge(evidence, event)
    return _answer(verdict)


def _judge(evidence: Evidence, event: Mapping[str, Any]) -> StoredObject:
    """Write what the scan came to, and the card that tells of it, unless that is there."""
    scan, error = event["scan"], event.get("error")
    before = {name: evidence.get(name) for name in ("scan.json", "report.json")}
    left = before["report.json"]
    found = report.parse(left and left.document, scan)
    ran = build.find(event.get("build"), error)
    subject = card.Subject(
        scan=scan,
        app=event["app"],
        key=event["upload"]["key"],
        version_id=event["upload"]["versionId"],
        report=links.web(found.dashboard) if found else None,
        build=links.build(REGION, ran.arn) if ran else None,
        execution=links.execution(REGION, event["execution"]),
        evidence=links.evidence(REGION, ARTIFACTS_BUCKET, scan),
    )

    status, reason, trouble, tail = "error", "", None, []
    shown, causes = None, []
    # A report is there before its build ends, and code that took the scanner over could write it.
    unbelievable = bool(found and found.passed) and not (ran and ran.status == "SUCCEEDED")
    if found and unbelievable:
        trouble = UNBELIEVABLE
    elif found and found.trouble:
        trouble = found.trouble
    elif found and found.passed:
        status, reason = "passed", "The quality gate passed."
    elif found:
        status, reason = "failed", _failed(found)
        causes = [f"quality gate: {each.name}" for each in found.failed_conditions]
        newer = versions.newer(event["upload"])
        asked = buttons.of("failed", scan, decidable=newer is None)
        shown = card.gate_failed(subject, found, event.get("expiresAt"), asked, newer)
    else:
        tail = build_log.tail(ran.log_group, ran.log_stream) if ran else []
        trouble = build.diagnose(ran, error, tail)
    if trouble:
        reason = trouble.message
        offered = buttons.of("error", scan, retryable=trouble.retryable)
        shown = card.broken(subject, trouble, found, tail, offered)

    now = timestamps.now()
    if shown:
        thread = PLACES.thread(scan, event["app"], causes or [reason], now)
        shown = in_thread(shown, thread)
    verdict = evidence.put_if_absent(
        "gate-result.json",
        {
            "version": 1,
            "scan": scan,
            "status": status,
            "reason": line(reason, 200),
            "retryable": trouble is None or trouble.retryable,
            "evaluatedAt": timestamps.iso(now),
            "card": shown,
            "evidence": {name: stored.sha256 for name, stored in before.items() if stored},
        },
    )
    stands, opened = verdict.document, before["scan.json"]
    measured = measure.fields(
        scan, event["app"], stands["status"], opened and opened.document, stands["evaluatedAt"]
    )
    log.info("scan completed", extra={**measured, "reason": stands["reason"]})
    return verdict


def _answer(verdict: StoredObject) -> dict[str, Any]:
    stands = verdict.document
    thread = stands["card"]["metadata"]["threadId"] if stands["card"] else stands["scan"]
    return {
        "status": stands["status"],
        "reason": stands["reason"],
        "card": stands["card"],
        "thread": thread,
        "opening": PLACES.digest(thread, stands["scan"]),
        "sha256": verdict.sha256,
    }


def _failed(found: report.Report) -> str:
    metrics = ", ".join(each.metric for each in found.failed_conditions)
    return f"The quality gate failed: {metrics}"
