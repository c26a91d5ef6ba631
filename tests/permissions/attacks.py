"""Calls that must be refused: who would call what, and why it would be bad."""

import json
import re
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import NamedTuple

from local.account import ACCOUNT, DEPLOYERS, DEVELOPERS, REGION
from local.permissions.call import Access, Context
from local.permissions.engine import Request
from local.permissions.guard import Allowed
from tests.permissions.recorded import ADMINISTRATOR, BUILD_SERVER, Recorded

ANOTHER_ACCOUNT = "999999999999"
# Services that send no account or resource when they assume a role, as far as AWS documents it.
WITHOUT_SOURCE = ("lambda.amazonaws.com", "chatbot.amazonaws.com")
UNCLEARED = (
    "failed", "rejected", "request-expired", "approval-expired", "superseded", "withdrawn", "error",
)  # fmt: skip
WRITTEN_ONCE = {"s3:if-none-match": "*"}


class Attack(NamedTuple):
    """``who`` is a role's label, or ``ADMINISTRATOR``; ``on`` is an owner and a key or name."""

    who: str
    action: str
    on: str
    why: str
    context: Context = MappingProxyType({})


class Attempt(NamedTuple):
    """An attack as a request."""

    attack: Attack
    request: Request


def _each(who: str, actions: Iterable[str], on: str, why: str, **more: Context) -> list[Attack]:
    return [Attack(who, action, on, why, **more) for action in actions]


TAGGING = (
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
)
REPLICATION = ("s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags")
READING = ("s3:GetObject", "s3:GetObjectVersion")
UPLOAD, EVIDENCE = "bucket uploads/payments/app.zip", "bucket artifacts/scans/payments/1"
BUCKETS = ("uploads", "artifacts", "state", "access-logs")

ATTACKS = [
    Attack(ADMINISTRATOR, "s3:PutObject", "bucket uploads/payments/app.tar", "is never scanned"),
    *_each(ADMINISTRATOR, TAGGING, UPLOAD, "clears a version"),
    *_each("scan", TAGGING, UPLOAD, "lets the scanned code clear itself"),
    *_each(ADMINISTRATOR, REPLICATION, UPLOAD, "brings tags along"),
    Attack(
        ADMINISTRATOR, "s3:GetObjectVersionForReplication", UPLOAD, "takes an uncleared one away"
    ),
    *_each(ADMINISTRATOR, READING, UPLOAD, "deploys what no gate has evaluated"),
    *_each(DEPLOYERS, READING, UPLOAD, "deploys what no gate has evaluated"),
    *(
        attack
        for status in UNCLEARED
        for attack in _each(
            DEPLOYERS,
            READING,
            UPLOAD,
            f"deploys what is {status}",
            context={"s3:ExistingObjectTag/scan-status": status},
        )
    ),
    *(
        Attack(
            ADMINISTRATOR,
            "s3:ListBucket",
            f"bucket {bucket}",
            "is not encrypted on its way",
            {"aws:SecureTransport": "false"},
        )
        for bucket in BUCKETS
    ),
    Attack(ADMINISTRATOR, "s3:PutObject", f"{EVIDENCE}/decision.json", "rewrites a decision"),
    *_each(ADMINISTRATOR, REPLICATION, f"{EVIDENCE}/decision.json", "rewrites a decision"),
    *_each(
        ADMINISTRATOR,
        ("s3:DeleteObject", "s3:DeleteObjectVersion"),
        f"{EVIDENCE}/decision.json",
        "removes a decision",
    ),
    # Each role writes its own documents only.
    *(
        Attack(who, "s3:PutObject", f"{EVIDENCE}/{name}", "pretends to be another", WRITTEN_ONCE)
        for who, name in (
            ("scan", "decision.json"),
            ("scan", "scan.json"),
            ("scan", "gate-result.json"),
            ("open-scan", "gate-result.json"),
            ("open-scan", "report.json"),
            ("check-build-status", "withdrawal.json"),
            ("check-build-status", "extensions/1.json"),
            ("check-build-status", "report.json"),
            ("callback", "extensions/1.json"),
            ("callback", "approvals/1.json"),
            ("callback", "actions/1.json"),
            ("callback", "gate-result.json"),
            ("approval", "gate-result.json"),
            ("approval", "report.json"),
            ("approval", "actions/1.json"),
            ("approver-audit", "approvals/1.json"),
            ("approver-audit", "decision.json"),
            ("uploader", "scan.json"),
            ("uploader", "decision.json"),
            (DEVELOPERS, "uploader.json"),
            ("rescan", "decision.json"),
            ("notify", "decision.json"),
            ("pipeline", "decision.json"),
            (DEVELOPERS, "decision.json"),
            (DEPLOYERS, "decision.json"),
        )
    ),
    # The build runs beside code that nobody trusts.
    Attack("scan", "s3:GetObject", f"{EVIDENCE}/decision.json", "reads who decided"),
    Attack("scan", "s3:GetObject", "bucket state/waiting/payments/1", "reads a task token"),
    Attack("scan", "s3:PutObject", "bucket state/source/scan.zip", "changes the next scan"),
    Attack("scan", "s3:PutObject", UPLOAD, "replaces what it scans"),
    Attack("scan", "states:SendTaskSuccess", "*", "decides"),
    Attack("scan", "lambda:InvokeFunction", "function approval", "decides"),
    Attack("scan", "sns:Publish", "topic notifications", "asks for approvals"),
    Attack(
        "scan",
        "ec2:CreateNetworkInterfacePermission",
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-0123456789abcdef0",
        "opens another network",
        {
            "ec2:AuthorizedService": "codebuild.amazonaws.com",
            "ec2:Subnet": f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-99999999999999999",
        },
    ),
    Attack(
        "scan",
        "ec2:CreateNetworkInterfacePermission",
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-0123456789abcdef0",
        "lets another service in",
        {
            "ec2:AuthorizedService": "ec2.amazonaws.com",
            "ec2:Subnet": f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-0123456789abcdef0",
        },
    ),
    # People in the channel.
    *(
        Attack("channel", "lambda:InvokeFunction", f"function {label}", "is no button")
        for label in ("notify", "open-scan", "check-build-status", "callback", "uploader")
    ),
    Attack("channel", "s3:GetObject", f"{EVIDENCE}/report.json", "is no button"),
    # Mail in another's name.
    *(
        Attack(
            "notify",
            action,
            f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/ceo@example.com",
            "writes in another's name",
            {"ses:FromAddress": "ceo@example.com"},
        )
        for action in ("ses:SendEmail", "ses:SendRawEmail")
    ),
    # The key is used through services only.
    *(
        Attack(who, "kms:Decrypt", "key", "decrypts what it has taken elsewhere")
        for who in ("notify", "scan", DEPLOYERS, DEVELOPERS, BUILD_SERVER)
    ),
    Attack(BUILD_SERVER, "kms:GenerateDataKey", "key", "encrypts by itself, not through S3"),
    # A build server has its app only.
    Attack(BUILD_SERVER, "s3:PutObject", UPLOAD, "uploads another app"),
    Attack(BUILD_SERVER, "s3:GetObjectVersionTagging", UPLOAD, "reads another app's status"),
    Attack(BUILD_SERVER, "s3:GetObject", f"{EVIDENCE}/report.json", "reads another's findings"),
    Attack(BUILD_SERVER, "s3:ListBucket", "bucket artifacts", "lists all apps"),
    Attack(
        BUILD_SERVER,
        "s3:ListBucket",
        "bucket artifacts",
        "lists another app",
        {"s3:prefix": "scans/payments/"},
    ),
    Attack(BUILD_SERVER, "s3:ListBucketVersions", "bucket uploads", "lists all uploads"),
    Attack(DEVELOPERS, "s3:ListBucket", "bucket artifacts", "lists without an app"),
    Attack(DEVELOPERS, "s3:DeleteObjectVersion", UPLOAD, "removes an upload"),
    Attack(DEVELOPERS, "lambda:InvokeFunction", "function approval", "approves an own upload"),
    Attack(DEVELOPERS, "states:StartExecution", "machine", "starts what it likes"),
    Attack(DEPLOYERS, "s3:PutObject", UPLOAD, "uploads"),
    # Rules and functions.
    Attack("uploads", "lambda:InvokeFunction", "function approval", "decides"),
    Attack("pipeline", "lambda:InvokeFunction", "function approval", "decides"),
    Attack("rescan", "states:SendTaskSuccess", "*", "decides"),
]


def attempts(recorded: Recorded) -> Iterator[Attempt]:
    """Each attack as a request with the policies that were recorded."""
    for attack in ATTACKS:
        role = recorded.owners.get(f"role {attack.who}", attack.who).rsplit("/", 1)[-1]
        principal = recorded.guard.role(f"arn:aws:iam::{ACCOUNT}:role/{role}", "attacker")
        access = Access(attack.action, _arn(recorded, attack.on), attack.context)
        request = recorded.guard.request(principal, access)
        yield Attempt(attack, request)
    yield from _confused_deputies(recorded.calls)


def _arn(recorded: Recorded, on: str) -> str:
    if on == "*" or on.startswith("arn:"):
        return on
    owner, slash, key = on.partition("/")
    return recorded.owners[owner] + slash + key


def _confused_deputies(calls: Iterable[Allowed]) -> Iterator[Attempt]:
    """Each call of a service, made for somebody else.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    for call in calls:
        request = call.request
        if "aws:PrincipalServiceName" not in request.context:
            continue
        if request.action == "sts:AssumeRole" and request.principal in WITHOUT_SOURCE:
            continue
        source = str(request.context.get("aws:SourceArn", ""))
        theirs = source.replace(ACCOUNT, ANOTHER_ACCOUNT)
        strangers = [{"aws:SourceArn": theirs, "aws:SourceAccount": ANOTHER_ACCOUNT}]
        # A policy that names the source refuses others of its own account, too.
        if re.search("SourceArn", json.dumps(request.resource_policy), re.I):
            *place, name = source.split(":", 5)
            strangers.append({"aws:SourceArn": ":".join([*place, f"other-{name}"])})
        attack = Attack(request.principal, request.action, request.resource, "acts for a stranger")
        for stranger in strangers:
            yield Attempt(attack, request._replace(context={**request.context, **stranger}))
