import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.policy import allow, allow_service, only_tls, policy, trust
from tests.components.recording import ACCOUNT, build


def written(make: Callable[[], pulumi.Output[str]]) -> list[dict[str, Any]]:
    """The statements of the document that ``make`` writes."""
    texts: list[str] = []
    build(lambda: make().apply(texts.append))
    document = json.loads(texts[0])
    assert document["Version"] == "2012-10-17"
    return document["Statement"]


def test_allow_names_actions_and_resources_and_nothing_else():
    assert written(
        lambda: policy(allow("s3:GetObject", "s3:PutObject", on=["arn:a", "arn:b"]))
    ) == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:a", "arn:b"],
        }
    ]


def test_resources_may_be_known_only_later():
    statements = written(
        lambda: policy(allow("s3:GetObject", on=[pulumi.Output.from_input("arn:later")]))
    )

    assert statements[0]["Resource"] == ["arn:later"]


def test_a_service_is_allowed_only_under_a_condition():
    when = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}

    def make() -> pulumi.Output[str]:
        return policy(allow_service("a.amazonaws.com", "sns:Publish", on=["arn:t"], when=when))

    assert written(make) == [
        {
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": ["arn:t"],
            "Condition": when,
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


def test_only_tls_denies_everybody_everything_without_tls():
    assert written(lambda: policy(only_tls("arn:aws:s3:::b"))) == [
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Action": ["s3:*"],
            "Principal": "*",
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
