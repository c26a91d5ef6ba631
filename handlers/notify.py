"""Lambda: emails the developers what failed and what was decided, and returns the latter's card."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from domain import approvals, four_eyes, origin, report, timestamps, uploader
from domain.approvals import Documents
from domain.approvers import Person
from domain.evidence_paths import numbered
from domain.stored_objects import error_code
from handlers import (
    aws,
    card,
    circumstances,
    comparison,
    exceptions_of_app,
    failure,
    links,
    measure,
    outcome,
    parallel,
    scan_result,
    versions,
)
from handlers.aws import ClientError, Config
from handlers.buttons import Buttons
from handlers.circumstances import Circumstances
from handlers.comparison import Comparison
from handlers.email_body import EmailBody, compose
from handlers.evidence import Evidence, uploader_of
from handlers.exceptions_of_app import Match
from handlers.mail import message
from handlers.notification import in_thread

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
# What an approval covers: version or findings.
APPROVAL_COVERS = os.environ["APPROVAL_COVERS"]
# How many people must approve; what follows if one of them uploaded, and who uploads as whom.
APPROVALS = int(os.environ["APPROVALS"])
SELF_APPROVAL = os.environ["SELF_APPROVAL"]
PEOPLE: Mapping[str, str] = json.loads(os.environ["PEOPLE"])
SENDER = os.environ["SENDER"]
# The SES configuration set whose events count bounces and complaints.
CONFIGURATION_SET = os.environ["CONFIGURATION_SET"]
# ``{app: addresses}``; those of "" are for all other apps.
RECIPIENTS: Mapping[str, list[str]] = json.loads(os.environ["RECIPIENTS"])
# Uploaders with an address in one of these domains get the emails, too.
UPLOADER_DOMAINS: list[str] = json.loads(os.environ["UPLOADER_DOMAINS"])
# Who gets the email that a scan did not pass: uploader, recipients (and the uploader), or off.
FAILURE_EMAILS = os.environ["FAILURE_EMAILS"]
# mrkdwn that mentions somebody; may be empty.
ESCALATION_MENTION = os.environ["ESCALATION_MENTION"]
REGION = os.environ["AWS_REGION"]
BUTTONS = Buttons(
    region=REGION,
    approval_function=os.environ["APPROVAL_FUNCTION"],
    custom=json.loads(os.environ["TEAM_BUTTONS"]),
)
# SES's errors for content or recipients that it refuses; nobody gets the email then
# (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
REFUSED = ("MessageRejected", "BadRequestException")

# Events that are outdated once there is a decision, and those once the approval is over.
OPEN = (*failure.EVENTS, "escalated", "partly-approved")
APPROVED = ("approved", "extended", "expiring")
# An exception that ends so soon after the decision that rests on it: that was not known then.
AT_ONCE = timedelta(minutes=1)

s3 = aws.client("s3")
# SES is not idempotent, so a slow answer is waited for instead of retried.
ses = aws.client(
    "sesv2", Config(read_timeout=20, retries={"mode": "standard", "total_max_attempts": 1})
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Send one email about ``event``, and return ``{card}``.

    ``event`` is ``{scan, event, expiresAt, until}``. The inner one is one of those of
    ``outcome.describe``; ``expiresAt`` is when the request expires, and ``until`` the end of the
    approval that people know. ``card`` is None, and no email is sent, if the event is outdated: a
    later event has its own notification; or if it is about the exception of another version, whose
    thread has it.
    Errors of SES are raised: the state machine retries, then notifies the channel.

    An event of ``failure.EVENTS`` has a card already, so ``card`` is None. It is invoked
    asynchronously, so Lambda retries.
    """
    scan_id, name = event["scan"], event["event"]
    evidence = Evidence(s3, ARTIFACTS_BUCKET, scan_id)
    documents = ("scan", "uploader", "gate-result", "report", "decision", "withdrawal")
    scan, recorded, gate_result, left, decision, withdrawal, names = parallel.all_of(
        *(partial(evidence.read, f"{document}.json") for document in documents), evidence.names
    )
    own = Documents(decision, withdrawal, evidence.read_each(*numbered("extensions", names)))
    root = evidence.root_documents(decision) if decision else None
    validity = approvals.validity(own, root, timestamps.now())
    about = Circumstances(evidence, names, own, root, validity)
    if (
        _is_outdated(name, about)
        or (name == "expiring" and _is_extended(about, event))
        or _is_of_the_exception(name, about)
        # Nobody needs to fix a version that has been replaced.
        or (name in failure.EVENTS and versions.newer(s3, scan))
    ):
        log.info("outdated", extra={"scan": scan_id, "event": name})
        return {"card": None}
    parsed_report = report.parse(left, scan_id)
    uploaded_by = uploader.of(uploader_of(evidence, scan, recorded), parsed_report)
    scan_links = card.ScanLinks(
        scan=scan_id,
        app=scan["app"],
        key=scan["key"],
        version_id=scan["versionId"],
        report=links.web(parsed_report.dashboard) if parsed_report else None,
        execution=links.execution(REGION, scan["execution"]),
        evidence=links.evidence(REGION, ARTIFACTS_BUCKET, scan_id),
        uploader=uploaded_by,
        origin=parsed_report.origin if parsed_report else origin.UNKNOWN,
    )
    if name in failure.EVENTS:
        details = failure.describe(
            name, scan_links.zip_name, gate_result, parsed_report, event["expiresAt"]
        )
        compared, match = _what_changed(evidence, gate_result)
        body = compose(
            details,
            scan,
            uploaded_by,
            parsed_report,
            None,
            None,
            _console(scan_links),
            comparison=compared,
            match=match,
        )
        _mail(scan_links, body)
        return {"card": None}
    is_certain = not (gate_result and gate_result.get("buildFailed"))
    covers = APPROVAL_COVERS == "findings" and is_certain
    texts = circumstances.context(name, about, STATE_BUCKET, covers=covers)
    people, joined = circumstances.people(name, about), "or"
    if name == "partly-approved":
        so_far = circumstances.approvals_so_far(
            about, uploaded_by, PEOPLE, refuse=SELF_APPROVAL == "refuse"
        )
        texts = texts._replace(approvals=[one.click["reason"] for one in so_far], needed=APPROVALS)
        people = [one.person for one in so_far]
    if name == "partly-approved" or "approvals" in (decision or {}):
        joined = "and"
    details = outcome.describe(
        name, scan_links.zip_name, decision, about.withdrawal, event["expiresAt"], texts
    )._replace(joined=joined, warning=_warning(name, people, uploaded_by))
    mention = ESCALATION_MENTION if name == "escalated" else ""
    offered = BUTTONS.of(name, scan_id, extendable=_is_extendable(decision))
    notification = card.outcome(scan_links, details, offered, people, mention)
    # The thread of the scan's first card, or of the exception that it rests on.
    notification = in_thread(
        notification, scan_result.thread_of(gate_result) if gate_result else scan_id
    )
    if details.subject:
        # Last, since an error after it would make the retry send the email again.
        body = compose(
            details,
            scan,
            uploaded_by,
            parsed_report,
            decision,
            about.withdrawal if name == "withdrawn" else None,
            _console(scan_links),
            people,
            texts,
        )
        _mail(scan_links, body)
    decided = decision["decidedAt"] if decision and name in ("approved", "rejected") else None
    log.info("notified", extra=measure.fields(scan_id, scan["app"], name, scan, decided))
    return {"card": notification}


def _is_outdated(name: str, about: Circumstances) -> bool:
    """Whether the event ``name`` no longer applies: decided, withdrawn or expired meanwhile."""
    if name in OPEN:
        return about.validity.status != "open"
    if name == "extended" and not about.extension:
        return True
    return name in APPROVED and about.validity.status != "approved"


def _is_extended(about: Circumstances, event: Mapping[str, Any]) -> bool:
    """Whether the approval ends later than people know; the event ``extended`` follows."""
    # Executions of version 1 know of no extensions.
    end = about.validity.ends
    return "until" in event and end is not None and end > timestamps.parse(event["until"])


def _is_of_the_exception(name: str, about: Circumstances) -> bool:
    """Whether the event is about the exception that a version rests on, in whose thread it is."""
    own_withdrawal = name == "withdrawn" and about.own.withdrawal
    if about.root is None or name not in circumstances.OF_THE_EXCEPTION or own_withdrawal:
        return False
    assert about.own.decision
    decided = timestamps.parse(about.own.decision["decidedAt"])
    # By this function's clock it may not have expired yet.
    ended = about.validity.ends if name == "approval-expired" else about.validity.since
    return name in APPROVED or ended is None or ended - decided > AT_ONCE


def _is_extendable(decision: Mapping[str, Any] | None) -> bool:
    """One person may not prolong what two approved, nor what rests on another exception."""
    return APPROVALS == 1 and not (decision and decision.keys() & {"restsOn", "approvals"})


def _warning(name: str, people: Sequence[Person], uploaded_by: uploader.Uploader) -> str:
    """Say, by the setting ``selfApproval``, that who decided had uploaded."""
    if SELF_APPROVAL != "warn" or name not in ("approved", "extended", "partly-approved"):
        return ""
    uploaders = [person for person in people if four_eyes.is_uploader(person, uploaded_by, PEOPLE)]
    did = "extended" if name == "extended" else "approved"
    return f"{uploaders[0]} {did} an own upload." if uploaders else ""


def _what_changed(
    evidence: Evidence, gate_result: Mapping[str, Any]
) -> tuple[Comparison | None, Match | None]:
    """Return what the card said: the changes, and the exception that has some of the findings."""
    named = {name: gate_result.get(name) for name in ("since", "exception")}
    since, exception = (scan and Evidence(s3, ARTIFACTS_BUCKET, scan) for scan in named.values())
    result = scan_result.read(evidence) if since or exception else None
    if result is None:
        return None, None
    valid = exception and exceptions_of_app.valid(exception, timestamps.now())
    return (
        comparison.compare(scan_result.read(since), result.report, result.findings)
        if since
        else None,
        exceptions_of_app.best([valid] if valid else [], result.report, result.findings),
    )


def _console(scan_links: card.ScanLinks) -> dict[str, str]:
    console = {"Execution": scan_links.execution, "Evidence": scan_links.evidence}
    return {label: url for label, url in console.items() if url}


def _mail(scan_links: card.ScanLinks, email_body: EmailBody) -> None:
    """Send the email, without the uploader if SES refuses it."""
    event, app = email_body.outcome.event, scan_links.app
    uploaders = scan_links.uploader.addresses
    select = failure_recipients if event in failure.EVENTS else recipients
    to, team = select(app, uploaders), select(app, ())
    about = {"scan": scan_links.scan, "event": event}
    if not to:
        log.info("not mailed: no address", extra=about)
        return
    try:
        sent = _send(scan_links.scan, email_body, to)
    except ClientError as error:
        if to == team or error_code(error) not in REFUSED:
            raise
        # "The entire message is rejected", so nobody gets it twice:
        # (https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html).
        why = {"scan": scan_links.scan, "code": error_code(error)}
        log.warning("mail refused; sending it without the uploader", extra=why)
        if not team:
            return
        sent = _send(scan_links.scan, email_body, team)
    log.info("mailed", extra={**about, "messageId": sent})


def _send(scan_id: str, email_body: EmailBody, to: list[str]) -> str:
    sent = ses.send_email(
        FromEmailAddress=SENDER,
        ConfigurationSetName=CONFIGURATION_SET,
        Destination={"ToAddresses": to},
        Content={"Raw": {"Data": message(scan_id, email_body, SENDER, to)}},
    )
    return sent["MessageId"]


def recipients(app: str, uploaders: Sequence[str]) -> list[str]:
    """Return the addresses for ``app``, its own or the default ones, and last the uploader's.

    ``uploaders`` are addresses of the uploader, the most reliable first; the first one in the
    configured domains is used, since some are their own claim.
    """
    usual = RECIPIENTS.get(app, RECIPIENTS[""])
    uploader_address = _of_ours(uploaders)
    # Mail systems in practice ignore case in addresses.
    known = {"", *(address.casefold() for address in usual)}
    if uploader_address.casefold() in known:
        return usual
    return [*usual, uploader_address]


def failure_recipients(app: str, uploaders: Sequence[str]) -> list[str]:
    """Return the addresses for the email that a scan of ``app`` did not pass, by the setting."""
    if FAILURE_EMAILS == "recipients":
        return recipients(app, uploaders)
    address = _of_ours(uploaders) if FAILURE_EMAILS == "uploader" else ""
    return [address] if address else []


def _of_ours(uploaders: Sequence[str]) -> str:
    ours = (one for one in uploaders if one.rpartition("@")[2].lower() in UPLOADER_DOMAINS)
    return next(ours, "")
