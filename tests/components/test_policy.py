import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.policy import allow, allow_service, deny_insecure_transport, policy, trust
from tests.support.recording import ACCOUNT, build


def written(make: Callable[[], pulumi.Output[str]]) -> list[dict[str, Any]]:
    """The statements of the policy document that ``make`` returns."""
    texts: list[str] = []
    build(lambda: make().apply(texts.append))
    document = json.loads(texts[0])
    assert document["Version"] == "2012-10-17"
    return document["Statement"]


def test_allow_names_actions_and_resources_and_nothing_else():
    assert written(
        lambda: policy(allow("s3:GetObject", "s3:PutObject", resources=["arn:a", "arn:b"]))
    ) == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:a", "arn:b"],
        }
    ]


def test_resources_may_be_known_only_later():
    statements = written(
        lambda: policy(allow("s3:GetObject", resources=[pulumi.Output.from_input("arn:later")]))
    )

    assert statements[0]["Resource"] == ["arn:later"]


def test_a_service_is_allowed_only_under_a_condition():
    conditions = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}

    def make() -> pulumi.Output[str]:
        return policy(
            allow_service(
                "a.amazonaws.com", "sns:Publish", resources=["arn:t"], conditions=conditions
            )
        )

    assert written(make) == [
        {
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": ["arn:t"],
            "Condition": conditions,
            "Principal": {"Service": "a.amazonaws.com"},
        }
    ]


@pytest.mark.parametrize(
    ("account", "condition"),
    [
        (ACCOUNT, {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}),
        (None, {}),
    ],
    ids=["for one account", "for any"],
)
def test_trust_lets_one_service_assume_the_role(account: str | None, condition: dict[str, Any]):
    assert written(lambda: trust("lambda.amazonaws.com", account)) == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": "lambda.amazonaws.com"},
            **condition,
        }
    ]


def test_everything_is_denied_to_everybody_without_tls():
    assert written(lambda: policy(deny_insecure_transport("arn:aws:s3:::b"))) == [
        {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Action": ["s3:*"],
            "Principal": "*",
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_grants_are_merged_by_resource_and_then_by_what_is_allowed_on_it():
    conditions = {"Bool": {"aws:SecureTransport": "true"}}

    def make() -> pulumi.Output[str]:
        return policy(
            allow("kms:Decrypt", resources=["arn:key"]),
            allow("s3:GetObject", resources=["arn:a"]),
            allow("kms:Decrypt", "kms:GenerateDataKey", resources=["arn:key"]),
            allow("s3:GetObject", resources=["arn:b", "arn:a"]),
            allow("s3:GetObject", resources=["arn:a"], conditions=conditions),
            allow("s3:PutObject", resources=[]),
        )

    assert written(make) == [
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": ["arn:key"],
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:a", "arn:b"]},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:a"],
            "Condition": conditions,
        },
    ]


def test_a_statement_of_a_resource_policy_is_left_as_it_is():
    def make() -> pulumi.Output[str]:
        deny = deny_insecure_transport("arn:b")
        return policy(deny, allow("s3:GetObject", resources=["arn:b"]), deny)

    assert [statement["Effect"] for statement in written(make)] == ["Deny", "Deny", "Allow"]
