"""Lambda: mails the developers what became of a failed gate, and returns the channel's card."""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from handlers import card, links, outcome, pressed, report
from handlers.evidence import Evidence
from handlers.letter import write
from handlers.mail import message

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
SENDER = os.environ["SENDER"]
RECIPIENTS: list[str] = json.loads(os.environ["RECIPIENTS"])
REGION = os.environ["AWS_REGION"]

# SES sends twice what is asked twice: an answer that is late is waited for, not asked again.
ses = boto3.client(
    "sesv2", config=Config(read_timeout=20, retries={"mode": "standard", "total_max_attempts": 1})
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Send one mail about ``{scan, event}`` and return ``{card}``.

    ``event`` is ``approved``, ``rejected``, ``expired`` (nobody decided) or ``ended`` (an exception
    ran out). Raises what SES raises: the state machine tries again, then tells the channel.
    """
    scan_id, name = event["scan"], event["event"]
    evidence = Evidence(ARTIFACTS_BUCKET, scan_id)
    scan, decision = evidence.read("scan.json"), evidence.read("decision.json")
    found = report.parse(evidence.read("report.json"), scan_id)
    subject = card.Subject(
        scan=scan_id,
        app=scan["app"],
        key=scan["key"],
        version_id=scan["versionId"],
        report=links.web(found.dashboard) if found else None,
        execution=links.execution(REGION, scan["execution"]),
        evidence=links.evidence(REGION, ARTIFACTS_BUCKET, scan_id),
    )
    told = outcome.tell(name, subject.zip_name, decision)
    console = {"Execution": subject.execution, "Evidence": subject.evidence}
    people = _who_decided(evidence, decision)
    letter = write(told, scan, found, decision, {k: v for k, v in console.items() if v}, people)
    sent = ses.send_email(
        FromEmailAddress=SENDER,
        Destination={"ToAddresses": RECIPIENTS},
        Content={"Raw": {"Data": message(scan_id, letter, SENDER, RECIPIENTS)}},
    )
    log.info("mailed", extra={"scan": scan_id, "event": name, "messageId": sent["MessageId"]})
    return {"card": card.outcome(subject, told, decision["reason"], people)}


def _who_decided(evidence: Evidence, decision: Mapping[str, Any]) -> list[pressed.Person]:
    verb = {"approved": "approve", "rejected": "reject"}.get(decision["verdict"])
    return pressed.by(evidence, verb, decision["reason"], decision["decidedAt"]) if verb else []
