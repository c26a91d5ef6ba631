"""Lambda: records and returns the gate result of a scan (passed, failed or error), and its card."""

import json
import logging
import os
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from domain import origin, report, timestamps, uploader
from domain.sanitize import line
from domain.stored_objects import StoredObject
from handlers import (
    aws,
    build,
    build_log,
    card,
    links,
    measure,
    notification_storm,
    parallel,
    versions,
)
from handlers.buttons import Buttons
from handlers.evidence import Evidence, uploader_of
from handlers.notification import in_thread

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
# In each window of DIGEST_SECONDS, the first DIGEST_AFTER scans that do not pass have a thread of
# their own.
DIGEST_AFTER = int(os.environ["DIGEST_AFTER"])
DIGEST_SECONDS = int(os.environ["DIGEST_SECONDS"])
REGION = os.environ["AWS_REGION"]
BUTTONS = Buttons(
    region=REGION,
    approval_function=os.environ["APPROVAL_FUNCTION"],
    custom=json.loads(os.environ["TEAM_BUTTONS"]),
)
PASSED_WITHOUT_BUILD = report.ScanError(
    message="The report says that the gate passed, but its build did not succeed.",
    remediation="Look at the build's log, then upload the zip again: only a build that ends well "
    "is believed to have passed.",
)

s3 = aws.client("s3")


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return ``{status, reason, card, thread, opening, sha256}``.

    ``card`` is None if the scan passed. ``thread`` is the thread of messages about this scan;
    ``opening`` is the card that begins that thread, if this scan has to post it. ``sha256`` is that
    of gate-result.json, which has status and card and is write-once: repeated calls return the
    same.

    ``event`` is ``{scan, app, upload: {bucket, key, versionId}, execution, build, error}``, and
    ``expiresAt`` if the end of the decision window is known. ``build`` is Step Functions' Build of
    a success, ``error`` its ``{Error, Cause}`` of a failure, of a time-out without Cause. Only the
    report has the gate's result; a build can succeed although the gate failed.
    """
    evidence = Evidence(s3, ARTIFACTS_BUCKET, event["scan"])
    names = ("gate-result.json", "scan.json", "report.json", "uploader.json")
    stored, *before = evidence.get_each(*names)
    return _answer(stored or _evaluate(evidence, event, *before))


def _evaluate(
    evidence: Evidence,
    event: Mapping[str, Any],
    opened: StoredObject | None,
    left: StoredObject | None,
    recorded: StoredObject | None,
) -> StoredObject:
    """Write gate-result.json with the scan's result and card, unless it exists; return it.

    ``opened`` is scan.json, ``left`` report.json, ``recorded`` uploader.json.
    """
    scan, error, now = event["scan"], event.get("error"), timestamps.now()
    parsed_report = report.parse(left and left.document, scan)
    found_build = build.find(event.get("build"), error, partial(_client, "codebuild"))
    scan_links = card.ScanLinks(
        scan=scan,
        app=event["app"],
        key=event["upload"]["key"],
        version_id=event["upload"]["versionId"],
        report=links.web(parsed_report.dashboard) if parsed_report else None,
        build=links.build(REGION, found_build.arn) if found_build else None,
        execution=links.execution(REGION, event["execution"]),
        evidence=links.evidence(REGION, ARTIFACTS_BUCKET, scan),
        uploader=uploader.of(
            uploader_of(evidence, opened and opened.document, recorded and recorded.document),
            parsed_report,
        ),
        origin=parsed_report.origin if parsed_report else origin.UNKNOWN,
    )
    is_storm = partial(_thread_slots().is_storm, now)

    status, reason, scan_error = "error", "", None
    notification, causes, storm = None, [], False
    # The report is written before the build ends, and hostile code in the scanner could forge it.
    passed_without_build = bool(parsed_report and parsed_report.passed) and not (
        found_build and found_build.status == "SUCCEEDED"
    )
    if parsed_report and parsed_report.passed and not passed_without_build:
        status, reason = "passed", "The quality gate passed."
    elif parsed_report and not parsed_report.error and not passed_without_build:
        status, reason = "failed", _failed(parsed_report)
        causes = [
            f"quality gate: {condition.name}" for condition in parsed_report.failed_conditions
        ]
        newer, storm = parallel.both(partial(versions.newer, s3, event["upload"]), is_storm)
        offered = BUTTONS.of("failed", scan, decidable=newer is None)
        notification = card.gate_failed(
            scan_links, parsed_report, event.get("expiresAt"), offered, newer
        )
    else:
        tail, storm = parallel.both(
            partial(_log_tail, None if parsed_report else found_build), is_storm
        )
        scan_error = (
            PASSED_WITHOUT_BUILD if passed_without_build else parsed_report and parsed_report.error
        )
        scan_error = scan_error or build.diagnose(found_build, error, tail)
        reason = scan_error.message
        offered = BUTTONS.of("error", scan, retryable=scan_error.retryable)
        notification = card.scan_error(scan_links, scan_error, parsed_report, tail, offered)

    if notification:
        slots, causes = _thread_slots(), causes or [reason]
        notification = in_thread(
            notification, slots.thread(scan, event["app"], causes, now, storm=storm)
        )
    stored = evidence.put_if_absent(
        "gate-result.json",
        {
            "version": 1,
            "scan": scan,
            "status": status,
            "reason": line(reason, 200),
            **({"remediation": line(scan_error.remediation, 500)} if scan_error else {}),
            "retryable": scan_error is None or scan_error.retryable,
            "evaluatedAt": timestamps.iso(now),
            "card": notification,
            "evidence": {
                name: document.sha256
                for name, document in (
                    ("scan.json", opened),
                    ("uploader.json", recorded),
                    ("report.json", left),
                )
                if document
            },
        },
    )
    result = stored.document
    measured = measure.fields(
        scan, event["app"], result["status"], opened and opened.document, result["evaluatedAt"]
    )
    log.info("scan completed", extra={**measured, "reason": result["reason"]})
    return stored


def _answer(stored: StoredObject) -> dict[str, Any]:
    result = stored.document
    thread = result["card"]["metadata"]["threadId"] if result["card"] else result["scan"]
    return {
        "status": result["status"],
        "reason": result["reason"],
        "card": result["card"],
        "thread": thread,
        "opening": _thread_slots().digest(thread, result["scan"]),
        "sha256": stored.sha256,
    }


def _failed(parsed_report: report.Report) -> str:
    metrics = ", ".join(condition.metric for condition in parsed_report.failed_conditions)
    return f"The quality gate failed: {metrics}"


def _log_tail(result: build.Build | None) -> list[str]:
    if result is None:
        return []
    return build_log.tail(partial(_client, "logs"), result.log_group, result.log_stream)


def _thread_slots() -> notification_storm.ThreadSlots:
    return notification_storm.ThreadSlots(
        s3=s3, bucket=STATE_BUCKET, most=DIGEST_AFTER, seconds=DIGEST_SECONDS
    )


@cache
def _client(service: str) -> Any:
    """Return a client, made on first use: most scans have a report and need none."""
    return aws.client(service)
