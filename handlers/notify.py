"""Lambda: emails the developers what failed and what was decided, and returns the latter's card."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from domain import approvers, origin, report, timestamps, uploader
from domain.stored_objects import error_code
from handlers import aws, card, failure, links, measure, outcome, versions
from handlers.aws import ClientError, Config
from handlers.buttons import Buttons
from handlers.email_body import EmailBody, compose
from handlers.evidence import Evidence, uploader_of
from handlers.mail import message
from handlers.notification import in_thread

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
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

# Events for which withdrawal.json matters.
ABOUT_AN_EXCEPTION = ("approved", "expiring", "withdrawn")

s3 = aws.client("s3")
# SES is not idempotent, so a slow answer is waited for instead of retried.
ses = aws.client(
    "sesv2", Config(read_timeout=20, retries={"mode": "standard", "total_max_attempts": 1})
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Send one email about ``event``, which is ``{scan, event, expiresAt}``, and return ``{card}``.

    The inner ``event`` is one of those of ``outcome.describe``; ``expiresAt`` is when the request
    expires. ``card`` is None, and no email is sent, if the event is outdated: a later event has its
    own notification. Errors of SES are raised: the state machine retries, then notifies the
    channel.

    An event of ``failure.EVENTS`` has a card already, so ``card`` is None. It is invoked
    asynchronously, so Lambda retries.
    """
    scan_id, name = event["scan"], event["event"]
    evidence = Evidence(s3, ARTIFACTS_BUCKET, scan_id)
    scan, recorded, gate_result, left, decision, withdrawal = evidence.read_each(
        "scan.json",
        "uploader.json",
        "gate-result.json",
        "report.json",
        "decision.json",
        "withdrawal.json",
    )
    withdrawal = withdrawal if name in ABOUT_AN_EXCEPTION else None
    if _is_outdated(name, decision, withdrawal) or (
        # Nobody needs to fix a version that has been replaced.
        name in failure.EVENTS and versions.newer(s3, scan)
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
        _mail(details, scan_links, scan, parsed_report)
        return {"card": None}
    details = outcome.describe(name, scan_links.zip_name, decision, withdrawal, event["expiresAt"])
    people = _who(evidence, decision, withdrawal)
    mention = ESCALATION_MENTION if name == "escalated" else ""
    notification = card.outcome(scan_links, details, BUTTONS.of(name, scan_id), people, mention)
    # The thread of the scan's first card, which is shared in a notification storm.
    notification = in_thread(
        notification, gate_result["card"]["metadata"]["threadId"] if gate_result else scan_id
    )
    if details.subject:
        # Last, since an error after it would make the retry send the email again.
        _mail(details, scan_links, scan, parsed_report, decision, withdrawal, people)
    decided = decision["decidedAt"] if decision and name in ("approved", "rejected") else None
    log.info("notified", extra=measure.fields(scan_id, scan["app"], name, scan, decided))
    return {"card": notification}


def _is_outdated(
    name: str, decision: Mapping[str, Any] | None, withdrawal: Mapping[str, Any] | None
) -> bool:
    """Whether the event ``name`` no longer applies: decided, withdrawn or expired meanwhile."""
    if name in (*failure.EVENTS, "escalated"):
        return decision is not None
    if name not in ("approved", "expiring"):
        return False
    assert decision
    return withdrawal is not None or timestamps.is_over(decision["expiresAt"], timestamps.now())


def _who(
    evidence: Evidence, decision: Mapping[str, Any] | None, withdrawal: Mapping[str, Any] | None
) -> list[approvers.Person]:
    if withdrawal:
        at = withdrawal["withdrawnAt"]
        return approvers.matching(evidence, "withdraw", withdrawal["reason"], at)
    verb = {"approved": "approve", "rejected": "reject"}.get(
        decision["decision"] if decision else ""
    )
    if not decision or not verb:
        return []
    return approvers.matching(evidence, verb, decision["reason"], decision["decidedAt"])


def _mail(
    details: outcome.Outcome,
    scan_links: card.ScanLinks,
    scan: Mapping[str, Any],
    parsed_report: report.Report | None,
    decision: Mapping[str, Any] | None = None,
    withdrawal: Mapping[str, Any] | None = None,
    people: Sequence[approvers.Person] = (),
) -> None:
    """Send the email about ``details``, without the uploader if SES refuses it."""
    console = {"Execution": scan_links.execution, "Evidence": scan_links.evidence}
    known = {label: url for label, url in console.items() if url}
    email_body = compose(
        details, scan, scan_links.uploader, parsed_report, decision, withdrawal, known, people
    )
    uploaders = scan_links.uploader.addresses
    select = failure_recipients if details.event in failure.EVENTS else recipients
    to, team = select(scan["app"], uploaders), select(scan["app"], ())
    about = {"scan": scan_links.scan, "event": details.event}
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
