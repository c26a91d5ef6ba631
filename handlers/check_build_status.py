"""Lambda: says what a scan came to (passed, failed, or broken and why), and how to tell people."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from handlers import build, build_log, card, links, report
from handlers.evidence import Evidence
from handlers.outside import line

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
APPROVAL_FUNCTION = os.environ["APPROVAL_FUNCTION"]
REGION = os.environ["AWS_REGION"]


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return ``{status, reason, card}``; the card is None where nobody needs to know.

    ``event`` is ``{scan, app, upload: {bucket, key, versionId}, execution, build, error}``, and
    ``until`` where the time for a decision is known. ``build`` is Step Functions' Build of a
    success, ``error`` its ``{Error, Cause}`` of a failure. Neither they nor exit codes say what
    the gate said: only the report does.
    """
    scan, error = event["scan"], event.get("error")
    evidence = Evidence(ARTIFACTS_BUCKET, scan)
    found = report.parse(evidence.read("report.json"), scan)
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

    shown = None
    if found and found.trouble:
        status, reason = "error", found.trouble.message
        shown = card.broken(subject, found.trouble, found, [])
    elif found and found.passed:
        status, reason = "passed", "The quality gate passed."
    elif found:
        status, reason = "failed", _failed(found)
        buttons = {"Fn": APPROVAL_FUNCTION, "Region": REGION, "Scan": scan}
        shown = card.gate_failed(subject, found, event.get("until"), buttons)
    else:
        tail = build_log.tail(ran.log_group, ran.log_stream) if ran else []
        trouble = build.diagnose(ran, error, tail)
        status, reason = "error", trouble.message
        shown = card.broken(subject, trouble, None, tail)

    if shown:
        evidence.write("notification.json", shown)
    reason = line(reason, 200)
    log.info("scan judged", extra={"scan": scan, "status": status, "reason": reason})
    return {"status": status, "reason": reason, "card": shown}


def _failed(found: report.Report) -> str:
    metrics = ", ".join(each.metric for each in found.failed_conditions)
    return f"The quality gate failed: {metrics}"
