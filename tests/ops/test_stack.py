"""A command works in the environment's region, independent of the shell's settings."""

import pytest

from ops.stack import Stack

MACHINE = "arn:aws:states:eu-west-3:123456789012:stateMachine:pipeline"


@pytest.mark.parametrize(
    ("outputs", "region"),
    [
        ({"stateMachine": MACHINE}, "eu-west-3"),
        ({}, "us-east-1"),
        ({"stateMachine": ""}, "us-east-1"),
    ],
    ids=["told by the state machine", "no such output", "an empty output"],
)
def test_the_region_is_that_of_the_environment(monkeypatch, outputs, region):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    environment = Stack(outputs, "--stack dev")

    assert environment.region == region
    assert environment.client("s3").meta.region_name == region
