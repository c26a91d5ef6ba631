"""The engine evaluates as AWS's documentation says, in cases whose result a page gives.

Each case names the page that it is from, below
https://docs.aws.amazon.com/IAM/latest/UserGuide/, unless it is an address of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.permissions.engine import Engine, EngineError, Request
from tests.support.policy_evaluator import needs_engine

pytestmark = needs_engine

ACCOUNT, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session"
STRANGER = f"arn:aws:sts::{OTHER}:assumed-role/app/session"
OBJECT, BUCKET = "arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOGIC = "reference_policies_evaluation-logic_policy-eval-basics.html"
CROSS_ACCOUNT = "reference_policies_evaluation-logic-cross-account.html"
KEYS_AND_VALUES = "reference_policies_condition-logic-multiple-context-keys-or-values.html"
OPERATORS = "reference_policies_elements_condition_operators.html"
SET_OPERATORS = "reference_policies_condition-single-vs-multi-valued-context-keys.html"
BOUNDARIES = "access_policies_boundaries.html"
KEY_POLICIES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"
DEPUTY = "confused-deputy.html"

Statement = dict[str, Any]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def allow(action: str = "s3:GetObject", on: str = OBJECT, **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def deny(action: str = "s3:GetObject", on: str = OBJECT, **more: Any) -> Statement:
    return {**allow(action, on, **more), "Effect": "Deny"}


def on_role(**more: Any) -> Statement:
    return allow(Principal={"AWS": ROLE}, **more)


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def request(
    *identity: Statement,
    action: str = "s3:GetObject",
    on: str = OBJECT,
    by: str = SESSION,
    context: Mapping[str, str | list[str]] | None = None,
    resource: Statement | None = None,
    boundary: Statement | None = None,
) -> Request:
    return Request(
        by,
        action,
        on,
        ACCOUNT,
        {"aws:PrincipalArn": ROLE, **(context or {})},
        {"own": policy(*identity)} if identity else {},
        policy(resource) if resource else None,
        {"boundary": policy(boundary)} if boundary else {},
    )


TAGGED: dict[str, Any] = when("StringEquals", "s3:ExistingObjectTag/status", ["passed", "approved"])
UNTAGGED = when("StringNotEquals", "s3:ExistingObjectTag/status", "passed")
BOTH: dict[str, Any] = {
    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:SourceVpc": "vpc-1"}}
}
ROOT = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
SERVICE = {"Principal": {"Service": "events.amazonaws.com"}}
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:queue"
RULE = f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/ours"
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole"}

CASES = [
    # Basics
    (LOGIC, "nothing allows it", request(allow("s3:PutObject")), False),
    (LOGIC, "a policy of the role allows it", request(allow()), True),
    (LOGIC, "an explicit deny wins", request(allow(), deny()), False),
    (
        LOGIC,
        "a deny in the resource's policy wins",
        request(allow(), resource=deny(Principal="*")),
        False,
    ),
    (LOGIC, "in one account the resource's policy suffices", request(resource=on_role()), True),
    (
        LOGIC,
        "which names another role",
        request(resource=allow(Principal={"AWS": ROLE + "2"})),
        False,
    ),
    (
        "reference_policies_elements_action.html",
        "a wildcard in an action",
        request(allow("s3:Get*")),
        True,
    ),
    (
        "reference_policies_elements_resource.html",
        "a wildcard in a resource",
        request(allow(on=BUCKET + "/*")),
        True,
    ),
    (
        "reference_policies_elements_resource.html",
        "a bucket is none of its objects",
        request(allow(on=BUCKET)),
        False,
    ),
    (
        "reference_policies_elements_notresource.html",
        "a deny of all but one resource",
        request(
            allow("s3:PutObject", on="*"),
            action="s3:PutObject",
            resource={
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "NotResource": BUCKET + "/*.zip",
            },
        ),
        False,
    ),
    # Accounts
    (
        CROSS_ACCOUNT,
        "another account needs both: the resource's",
        request(allow(), by=STRANGER),
        False,
    ),
    (
        CROSS_ACCOUNT,
        "another account needs both: its own",
        request(by=STRANGER, resource=allow(Principal={"AWS": ROLE.replace(ACCOUNT, OTHER)})),
        False,
    ),
    (
        CROSS_ACCOUNT,
        "another account has both",
        request(
            allow(), by=STRANGER, resource=allow(Principal={"AWS": ROLE.replace(ACCOUNT, OTHER)})
        ),
        True,
    ),
    # Conditions
    (
        KEYS_AND_VALUES,
        "any of several values",
        request(allow(**TAGGED), context={"s3:ExistingObjectTag/status": "approved"}),
        True,
    ),
    (
        KEYS_AND_VALUES,
        "none of several values",
        request(allow(**TAGGED), context={"s3:ExistingObjectTag/status": "failed"}),
        False,
    ),
    (
        KEYS_AND_VALUES,
        "all of several keys",
        request(allow(**BOTH), context={"aws:PrincipalOrgID": "o-1", "aws:SourceVpc": "vpc-1"}),
        True,
    ),
    (
        KEYS_AND_VALUES,
        "one of several keys",
        request(allow(**BOTH), context={"aws:PrincipalOrgID": "o-1"}),
        False,
    ),
    (OPERATORS, "a key that the request lacks", request(allow(**TAGGED)), False),
    (
        OPERATORS,
        "a negated operator matches a missing key",
        request(allow(), deny(**UNTAGGED)),
        False,
    ),
    (
        OPERATORS,
        "a negated operator and an equal value",
        request(allow(), deny(**UNTAGGED), context={"s3:ExistingObjectTag/status": "passed"}),
        True,
    ),
    (
        OPERATORS,
        "IfExists and a missing key",
        request(allow(**when("StringEqualsIfExists", "aws:SourceVpc", "vpc-1"))),
        True,
    ),
    (
        OPERATORS,
        "Null: true, and the key is missing",
        request(allow(), deny(**when("Null", "aws:SourceVpc", "true"))),
        False,
    ),
    (
        OPERATORS,
        "Null: true, and the key is there",
        request(
            allow(), deny(**when("Null", "aws:SourceVpc", "true")), context={"aws:SourceVpc": "v"}
        ),
        True,
    ),
    (
        OPERATORS,
        "Bool",
        request(
            allow(),
            deny(**when("Bool", "aws:SecureTransport", "false")),
            context={"aws:SecureTransport": "false"},
        ),
        False,
    ),
    (
        OPERATORS,
        "StringEquals minds the case",
        request(
            allow(**when("StringEquals", "aws:SourceVpc", "VPC-1")),
            context={"aws:SourceVpc": "vpc-1"},
        ),
        False,
    ),
    (
        OPERATORS,
        "keys do not mind it",
        request(
            allow(**when("StringEquals", "AWS:SOURCEVPC", "vpc-1")),
            context={"aws:SourceVpc": "vpc-1"},
        ),
        True,
    ),
    (
        OPERATORS,
        "StringLike",
        request(
            allow(**when("StringLike", "aws:SourceVpc", "vpc-*")),
            context={"aws:SourceVpc": "vpc-1"},
        ),
        True,
    ),
    (
        OPERATORS,
        "StringEquals takes no wildcards",
        request(
            allow(**when("StringEquals", "aws:SourceVpc", "vpc-*")),
            context={"aws:SourceVpc": "vpc-1"},
        ),
        False,
    ),
    (
        OPERATORS,
        "ArnNotEquals and the role's own ARN",
        request(allow(), deny(**when("ArnNotEquals", "aws:PrincipalArn", ROLE))),
        True,
    ),
    (
        OPERATORS,
        "ArnNotEquals and another",
        request(allow(), deny(**when("ArnNotEquals", "aws:PrincipalArn", ROLE + "2"))),
        False,
    ),
    (
        SET_OPERATORS,
        "ForAllValues and a missing key",
        request(allow(**when("ForAllValues:StringEquals", "aws:TagKeys", ["a"]))),
        True,
    ),
    (
        SET_OPERATORS,
        "ForAllValues and one value too many",
        request(
            allow(**when("ForAllValues:StringEquals", "aws:TagKeys", ["a"])),
            context={"aws:TagKeys": ["a", "b"]},
        ),
        False,
    ),
    (
        SET_OPERATORS,
        "ForAnyValue and a missing key",
        request(allow(**when("ForAnyValue:StringEquals", "aws:TagKeys", ["a"]))),
        False,
    ),
    (
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/walkthrough1.html",
        "a listing with the prefix",
        request(
            allow("s3:ListBucket", BUCKET, **when("StringLike", "s3:prefix", "a/*")),
            action="s3:ListBucket",
            on=BUCKET,
            context={"s3:prefix": "a/1"},
        ),
        True,
    ),
    (
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/walkthrough1.html",
        "a listing without the prefix",
        request(
            allow("s3:ListBucket", BUCKET, **when("StringLike", "s3:prefix", "a/*")),
            action="s3:ListBucket",
            on=BUCKET,
        ),
        False,
    ),
    # Boundaries
    (
        BOUNDARIES,
        "a boundary allows too little",
        request(allow(), boundary=allow("s3:PutObject")),
        False,
    ),
    (
        BOUNDARIES,
        "a boundary alone grants nothing",
        request(allow("s3:PutObject"), boundary=allow()),
        False,
    ),
    (BOUNDARIES, "both allow it", request(allow(), boundary=allow()), True),
    # Keys
    (
        KEY_POLICIES,
        "without the key's policy IAM does not matter",
        request(
            allow("kms:Decrypt", KEY),
            action="kms:Decrypt",
            on=KEY,
            resource=allow("kms:Decrypt", "*", Principal={"AWS": ROLE + "2"}),
        ),
        False,
    ),
    (
        KEY_POLICIES,
        "the account lets IAM decide",
        request(
            allow("kms:Decrypt", KEY),
            action="kms:Decrypt",
            on=KEY,
            resource=allow("kms:Decrypt", "*", **ROOT),
        ),
        True,
    ),
    (
        KEY_POLICIES,
        "IAM has to, then",
        request(
            allow("s3:GetObject"),
            action="kms:Decrypt",
            on=KEY,
            resource=allow("kms:Decrypt", "*", **ROOT),
        ),
        False,
    ),
    # Services
    (
        DEPUTY,
        "a service for our rule",
        request(
            action="sqs:SendMessage",
            on=QUEUE,
            by="events.amazonaws.com",
            context={"aws:SourceArn": RULE},
            resource=allow(
                "sqs:SendMessage", QUEUE, **SERVICE, **when("ArnEquals", "aws:SourceArn", RULE)
            ),
        ),
        True,
    ),
    (
        DEPUTY,
        "a service for another rule",
        request(
            action="sqs:SendMessage",
            on=QUEUE,
            by="events.amazonaws.com",
            context={"aws:SourceArn": RULE + "2"},
            resource=allow(
                "sqs:SendMessage", QUEUE, **SERVICE, **when("ArnEquals", "aws:SourceArn", RULE)
            ),
        ),
        False,
    ),
    (
        DEPUTY,
        "another service",
        request(
            action="sqs:SendMessage",
            on=QUEUE,
            by="sns.amazonaws.com",
            resource=allow("sqs:SendMessage", QUEUE, **SERVICE),
        ),
        False,
    ),
    (
        "reference_policies_elements_principal.html",
        "a role that trusts a service",
        request(
            action="sts:AssumeRole",
            on=ROLE,
            by="events.amazonaws.com",
            resource={**TRUST, **SERVICE},
        ),
        True,
    ),
    (
        "reference_policies_elements_principal.html",
        "a role that trusts another",
        request(
            action="sts:AssumeRole", on=ROLE, by="sns.amazonaws.com", resource={**TRUST, **SERVICE}
        ),
        False,
    ),
]


@pytest.mark.parametrize(
    ("page", "case", "evaluated", "allowed"),
    CASES,
    ids=[f"{page}-{case}" for page, case, *_ in CASES],
)
def test_the_engine_decides_as_the_documentation_says(engine, page, case, evaluated, allowed):
    [decision] = engine.decide([evaluated])

    assert decision.allowed is allowed


def test_an_action_that_does_not_exist_is_an_error(engine):
    with pytest.raises(EngineError, match="s3:ReadObject"):
        engine.decide([request(allow(), action="s3:ReadObject")])


def test_a_resource_of_another_kind_is_an_error(engine):
    with pytest.raises(EngineError, match="sqs"):
        engine.decide([request(allow(), on=QUEUE)])


def test_a_statement_is_named_by_its_sid_or_number(engine):
    [decision] = engine.decide([request(allow("s3:PutObject"), allow(), deny(Sid="Never"))])

    assert decision.explicit
    assert decision.statements == (("own", "2", "Allow"), ("own", "Never", "Deny"))
