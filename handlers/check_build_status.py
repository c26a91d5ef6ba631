"""Lambda: records and returns the gate result of a scan (passed, failed or error), and its card.

A failed version that a valid exception covers is approved here, if exceptions cover findings.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

from domain import (
    approvals,
    decisions,
    findings_document,
    four_eyes,
    origin,
    report,
    timestamps,
    uploader,
)
from domain.approvers import Person
from domain.findings_document import AllFindings
from domain.json_values import as_dict
from domain.sanitize import line
from domain.scan_id import scan_id
from domain.stored_objects import StoredObject
from handlers import (
    app_record,
    aws,
    build,
    build_log,
    card,
    comparison,
    exceptions_of_app,
    links,
    measure,
    notification_storm,
    parallel,
    resting,
    scan_result,
    versions,
)
from handlers.app_record import AppRecord, Last
from handlers.buttons import Buttons
from handlers.comparison import Comparison
from handlers.evidence import Evidence, uploader_of
from handlers.exceptions_of_app import Match
from handlers.notification import Notification, in_thread

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

# ``findings``: an exception covers later versions that have nothing else.
APPROVAL_COVERS = os.environ["APPROVAL_COVERS"]
# ``refuse``: nobody may decide about an own upload; ``PEOPLE`` is ``{user: who they upload as}``.
SELF_APPROVAL = os.environ["SELF_APPROVAL"]
PEOPLE: Mapping[str, str] = json.loads(os.environ["PEOPLE"])

s3 = aws.client("s3")


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return ``{status, reason, card, thread, opening, sha256}``.

    ``card`` is None if nothing is to be published: the scan passed as the one before, or an
    exception covers it. ``thread`` is the thread of messages about this scan; ``opening`` is the
    card that begins that thread, if this scan has to post it. ``sha256`` is that of
    gate-result.json, which has status and card and is write-once: repeated calls return the same.

    ``event`` is ``{scan, app, upload: {bucket, key, versionId}, execution, build, error}``, and
    ``expiresAt`` if the end of the decision window is known. ``build`` is Step Functions' Build of
    a success, ``error`` its ``{Error, Cause}`` of a failure, of a time-out without Cause. Only the
    report has the gate's result; a build can succeed although the gate failed. ``covers`` is true
    if the state machine knows gate results without a card, and passed ones with one.
    """
    evidence = _evidence(event["scan"])
    names = ("gate-result.json", "decision.json", "scan.json", "report.json", "uploader.json")
    stored, decided, opened, left, recorded, record = parallel.all_of(
        *(partial(evidence.get, name) for name in names),
        partial(app_record.read, s3, STATE_BUCKET, event["app"]),
    )
    if stored is None:
        stored = _evaluate(evidence, event, Before(opened, left, recorded, record))
    # Also what an earlier call did not reach.
    if "restsOn" in stored.document and not decided:
        _approve_under_exception(evidence, stored)
    _record(event, stored.document, opened, record)
    return _answer(stored)


class Before(NamedTuple):
    """What there is before the gate result: scan.json, report.json, uploader.json, the record."""

    opened: StoredObject | None
    left: StoredObject | None
    recorded: StoredObject | None
    record: AppRecord


class Result(NamedTuple):
    """The gate result; ``references`` are the fields that name other scans."""

    status: str
    reason: str
    card: Notification | None = None
    error: report.ScanError | None = None
    causes: Sequence[str] = ()
    storm: bool = False
    references: Mapping[str, str | bool] = MappingProxyType({})


def _evaluate(evidence: Evidence, event: Mapping[str, Any], before: Before) -> StoredObject:
    """Write gate-result.json with the scan's result and card, unless it exists; return it."""
    scan, now = event["scan"], timestamps.now()
    parsed_report = report.parse(before.left and before.left.document, scan)
    found_build = build.find(event.get("build"), event.get("error"), partial(_client, "codebuild"))
    scan_links = _links(evidence, event, before, parsed_report, found_build)
    succeeded = bool(found_build and found_build.status == "SUCCEEDED")
    # The report is written before the build ends, and hostile code in the scanner could forge it.
    if parsed_report and parsed_report.passed and succeeded:
        result = _passed(event, scan_links, parsed_report, before, now)
    elif parsed_report and not parsed_report.error and not parsed_report.passed:
        result = _failed(event, scan_links, parsed_report, before, now, succeeded=succeeded)
    else:
        result = _error(event, scan_links, parsed_report, found_build, now)

    notification = result.card
    if notification and result.causes:
        thread = _thread_slots().thread(scan, event["app"], result.causes, now, storm=result.storm)
        notification = in_thread(notification, thread)
    stored = evidence.put_if_absent(
        "gate-result.json",
        {
            "version": 1,
            "scan": scan,
            "status": result.status,
            "reason": line(result.reason, 200),
            **({"remediation": line(result.error.remediation, 500)} if result.error else {}),
            "retryable": result.error is None or result.error.retryable,
            "evaluatedAt": timestamps.iso(now),
            "card": notification,
            **result.references,
            "evidence": {
                name: document.sha256
                for name, document in (
                    ("scan.json", before.opened),
                    ("uploader.json", before.recorded),
                    ("report.json", before.left),
                )
                if document
            },
        },
    )
    gate_result, opened = stored.document, before.opened and before.opened.document
    measured = measure.fields(
        scan, event["app"], gate_result["status"], opened, gate_result["evaluatedAt"]
    )
    log.info("scan completed", extra={**measured, "reason": gate_result["reason"]})
    return stored


def _passed(
    event: Mapping[str, Any],
    scan_links: card.ScanLinks,
    parsed_report: report.Report,
    before: Before,
    now: datetime,
) -> Result:
    """Return the result, with a card in the thread of the app's last version if that failed."""
    result, last = Result("passed", "The quality gate passed."), before.record.last
    own = _last(event, "passed", timestamps.iso(now), before.opened)
    # Without ``covers`` an earlier state machine runs, which publishes no card about a pass.
    if not event.get("covers") or not last or last.status != "failed":
        return result
    if not own or last.order >= own.order:
        return result
    gate_result, findings, since = parallel.all_of(
        partial(_evidence(last.scan).read, "gate-result.json"),
        partial(_findings, event["scan"], before),
        partial(comparison.baseline, _evidence, last, own),
    )
    if not gate_result or gate_result["status"] != "failed":
        return result
    compared = comparison.compare(since, parsed_report, findings)
    notification = card.passes_again(scan_links, parsed_report, gate_result, last.key, compared)
    return result._replace(
        card=in_thread(notification, scan_result.thread_of(gate_result)),
        references=_since(compared),
    )


def _failed(
    event: Mapping[str, Any],
    scan_links: card.ScanLinks,
    parsed_report: report.Report,
    before: Before,
    now: datetime,
    *,
    succeeded: bool,
) -> Result:
    """Return the result, with the card that asks for a decision unless an exception covers it."""
    scan, record = event["scan"], before.record
    metrics = ", ".join(condition.metric for condition in parsed_report.failed_conditions)
    result = Result("failed", f"The quality gate failed: {metrics}")
    own = _last(event, "failed", timestamps.iso(now), before.opened)
    roots = [_evidence(root) for root in record.exceptions if root != scan]
    newer, storm, findings, since, *valid = parallel.all_of(
        partial(versions.newer, s3, event["upload"]),
        partial(_thread_slots().is_storm, now),
        partial(_findings, scan, before),
        partial(comparison.baseline, _evidence, record.last, own),
        *(partial(exceptions_of_app.valid, root, now) for root in roots),
    )
    compared = comparison.compare(since, parsed_report, findings)
    # Hostile code in the scanner may have written the report of a build that failed; and without
    # ``covers`` an earlier state machine runs, which would ask although nobody needs to decide.
    cover = APPROVAL_COVERS == "findings" and succeeded and newer is None and event.get("covers")
    was_refused = cache(partial(_was_refused, before.opened))  # asked for each exception
    match = exceptions_of_app.best(
        list(filter(None, valid)),
        parsed_report,
        findings,
        partial(_refused, scan_links.uploader, was_refused) if cover else None,
    )
    if match and match.covers:
        if _is_still_valid(match, scan):
            thread = scan_result.thread_of(match.result.gate_result)
            rests_on = {"restsOn": match.result.scan, "thread": thread}
            return result._replace(references={**_since(compared), **rests_on})
        match = None
    offered = BUTTONS.of("failed", scan, decidable=newer is None)
    return result._replace(
        card=card.gate_failed(
            scan_links,
            parsed_report,
            event.get("expiresAt"),
            offered,
            newer,
            compared,
            match,
            covers=APPROVAL_COVERS == "findings" and succeeded,
        ),
        causes=[f"quality gate: {condition.name}" for condition in parsed_report.failed_conditions],
        storm=storm,
        references={
            **_since(compared),
            **({"exception": match.result.scan} if match else {}),
            **({} if succeeded else {"buildFailed": True}),
        },
    )


def _error(
    event: Mapping[str, Any],
    scan_links: card.ScanLinks,
    parsed_report: report.Report | None,
    found_build: build.Build | None,
    now: datetime,
) -> Result:
    tail, storm = parallel.both(
        partial(_log_tail, None if parsed_report else found_build),
        partial(_thread_slots().is_storm, now),
    )
    if parsed_report:
        error = PASSED_WITHOUT_BUILD if parsed_report.passed else parsed_report.error
    else:
        error = None
    error = error or build.diagnose(found_build, event.get("error"), tail)
    offered = BUTTONS.of("error", event["scan"], retryable=error.retryable)
    return Result(
        "error",
        error.message,
        card.scan_error(scan_links, error, parsed_report, tail, offered),
        error=error,
        causes=[error.message],
        storm=storm,
    )


def _refused(
    uploaded_by: uploader.Uploader, was_refused: Callable[[], bool], people: Sequence[Person]
) -> list[str]:
    """Why what ``people`` approved does not cover an upload, whatever is the same in both.

    People refused this version itself, or the setting ``selfApproval`` does.
    """
    if was_refused():
        return [
            "This version was rejected, or its approval withdrawn, before it was scanned again."
        ]
    if SELF_APPROVAL != "refuse":
        return []
    if not uploaded_by.principal_id:
        return ["It is not recorded who uploaded this version."]
    if not people:
        return ["It is not recorded who approved that version."]
    if any(four_eyes.is_uploader(person, uploaded_by, PEOPLE) for person in people):
        return ["That version was approved by who uploaded this one."]
    return []


def _was_refused(opened: StoredObject | None) -> bool:
    """Whether people rejected or withdrew an earlier scan of this version."""
    scan_document = as_dict(opened and opened.document)
    for number in range(1, scan_document.get("attempt", 1)):
        earlier = _evidence(scan_id(scan_document["app"], scan_document["versionId"], number))
        decision, withdrawal = earlier.read_each("decision.json", "withdrawal.json")
        if withdrawal or as_dict(decision).get("decision") == "rejected":
            return True
    return False


def _is_still_valid(match: Match, scan: str) -> bool:
    """Mark that ``scan`` rests on the exception, and then read again whether that is valid.

    Its withdrawal is written before the marks are read, so one of the two sees the other.
    """
    resting.mark(s3, STATE_BUCKET, match.result.scan, scan)
    return exceptions_of_app.valid(match.exception.evidence, timestamps.now()) is not None


def _approve_under_exception(evidence: Evidence, gate_result: StoredObject) -> None:
    """Write decision.json of a version that an exception covers; it ends as that ends."""
    root = _evidence(gate_result.document["restsOn"])
    decision = root.get("decision.json")
    if decision is None:
        raise LookupError(f"decision.json of {root.scan} does not exist")
    evidence.put_if_absent(
        "decision.json",
        decisions.decision(
            evidence.scan,
            gate_result.sha256,
            timestamps.now(),
            decision="approved",
            reason=decision.document["reason"],
            expires_at=approvals.ends(
                decision.document, root.documents(decision.document, root.names()).extensions
            ),
            rests_on={"scan": root.scan, "decision.json": decision.sha256},
        ),
    )


def _record(
    event: Mapping[str, Any],
    gate_result: Mapping[str, Any],
    opened: StoredObject | None,
    record: AppRecord,
) -> None:
    """Record the app's last gate result, once gate-result.json exists."""
    last = _last(event, gate_result["status"], gate_result["evaluatedAt"], opened)
    if last and last.status != "error" and not (record.last and record.last.order >= last.order):
        app_record.record_result(s3, STATE_BUCKET, event["app"], last, record)


def _last(
    event: Mapping[str, Any], status: str, evaluated_at: str, opened: StoredObject | None
) -> Last | None:
    """Return this scan as the last one of its app; None without scan.json."""
    if opened is None:
        return None
    return Last(
        scan=event["scan"],
        key=event["upload"]["key"],
        version_id=event["upload"]["versionId"],
        attempt=opened.document.get("attempt", 1),
        status=status,
        uploaded_at=opened.document["uploadedAt"],
        evaluated_at=evaluated_at,
    )


def _findings(scan: str, before: Before) -> AllFindings | None:
    stored = _evidence(scan).get(findings_document.NAME)
    return scan_result.findings_of(scan, before.left, stored)


def _since(compared: Comparison | None) -> dict[str, str]:
    return {"since": compared.since.scan} if compared else {}


def _links(
    evidence: Evidence,
    event: Mapping[str, Any],
    before: Before,
    parsed_report: report.Report | None,
    found_build: build.Build | None,
) -> card.ScanLinks:
    opened, recorded = before.opened, before.recorded
    return card.ScanLinks(
        scan=event["scan"],
        app=event["app"],
        key=event["upload"]["key"],
        version_id=event["upload"]["versionId"],
        report=links.web(parsed_report.dashboard) if parsed_report else None,
        build=links.build(REGION, found_build.arn) if found_build else None,
        execution=links.execution(REGION, event["execution"]),
        evidence=links.evidence(REGION, ARTIFACTS_BUCKET, event["scan"]),
        uploader=uploader.of(
            uploader_of(evidence, opened and opened.document, recorded and recorded.document),
            parsed_report,
        ),
        origin=parsed_report.origin if parsed_report else origin.UNKNOWN,
    )


def _answer(stored: StoredObject) -> dict[str, Any]:
    result, thread = stored.document, scan_result.thread_of(stored.document)
    begins = result["status"] != "passed" and "restsOn" not in result
    return {
        "status": result["status"],
        "reason": result["reason"],
        "card": result["card"],
        "thread": thread,
        "opening": _thread_slots().digest(thread, result["scan"]) if begins else None,
        "sha256": stored.sha256,
    }


def _evidence(scan: str) -> Evidence:
    return Evidence(s3, ARTIFACTS_BUCKET, scan)


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
