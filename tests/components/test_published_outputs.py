"""What a gate publishes about itself: all that commands read, no secret, small enough."""

import json
import re

from domain.published_outputs import MAX_LENGTH, NAMED, UNPUBLISHED, parameter
from tests.support.recording import PROGRAM, Built, program

PARAMETER = "ssm/parameter:Parameter"


def test_a_gate_publishes_its_outputs_under_stack_and_name(everything: Built):
    published = everything.one(PARAMETER)

    assert published.inputs["name"] == "/chatops-slack/prod/gate"
    assert published.inputs["type"] == "String"
    outputs = json.loads(published.inputs["insecureValue"])
    assert outputs.keys() == everything.made["gate"].outputs.keys() - UNPUBLISHED
    assert outputs["uploadBucket"] == "gate-uploads"


def test_a_program_of_ones_own_publishes_beside_another_with_the_same_stack_and_gate():
    name = parameter("billing", "prod", "gate")

    assert name == "/chatops-slack/billing.prod/gate" != parameter("chatops-slack", "prod", "gate")
    assert NAMED.fullmatch("billing.prod/gate")


def test_commands_read_no_output_that_is_not_published():
    sources = "".join(file.read_text() for file in (PROGRAM / "ops").rglob("*.py"))

    read = set(re.findall(r'(?:environment|_stack)(?:\.outputs)?(?:\[|\.get\()"(\w+)"', sources))
    assert "uploadBucket" in read
    assert read & UNPUBLISHED == set()


def test_a_parameter_holds_the_outputs_with_the_longest_names():
    built = program("s" * 16)
    value = built.one(PARAMETER).inputs["insecureValue"]

    # Names in the recording lack prefix and suffix, at most 63 characters of a bucket.
    longest = len(value) + 63 * value.count("gate")
    assert longest < MAX_LENGTH
    assert longest > 1000
