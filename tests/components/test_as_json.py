import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.as_json import as_json
from tests.support.recording import Resource, build


def registered(document: Any) -> Resource:
    """A resource that gets the document as text."""
    return build(lambda: aws.sns.TopicPolicy("it", arn="arn:aws:sns:a", policy=document())).one(
        "sns/topicPolicy:TopicPolicy"
    )


def test_each_output_is_resolved_in_place():
    def document() -> pulumi.Output[str]:
        one, two = pulumi.Output.from_input("one"), pulumi.Output.from_input(["two", 2])
        return as_json({"a": [one, {"b": two}], "c": "plain", "d": one, "e": two})

    assert json.loads(registered(document).inputs["policy"]) == {
        "a": ["one", {"b": ["two", 2]}],
        "c": "plain",
        "d": "one",
        "e": ["two", 2],
    }


def test_a_document_with_a_secret_value_is_secret():
    secret = registered(lambda: as_json({"a": [pulumi.Output.secret("it")]}))
    plain = registered(lambda: as_json({"a": [pulumi.Output.from_input("it")]}))

    assert ("policy" in secret.secret, "policy" in plain.secret) == (True, False)


def test_values_that_are_not_json_are_refused():
    with pytest.raises(TypeError, match="no JSON"):
        registered(lambda: as_json({"a": {"b"}}))
