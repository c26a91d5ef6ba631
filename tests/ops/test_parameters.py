"""A command finds its environment by the parameter that each gate publishes."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from ops import cli, invocation, stack
from ops.errors import CommandError
from ops.parameters import of_stack

OUTPUTS = {"uploadBucket": "up", "stateMachine": "arn:aws:states:eu-west-3:1:stateMachine:m"}


@pytest.fixture(autouse=True)
def installed(environment, monkeypatch):
    """As the installed command: Pulumi is not asked."""
    monkeypatch.setattr(invocation, "IN_CHECKOUT", False)
    monkeypatch.setenv("AWS_REGION", "eu-west-3")


@pytest.fixture
def published():
    def publish(name: str, value: Any = OUTPUTS) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        ssm = boto3.client("ssm", region_name="eu-west-3")
        ssm.put_parameter(Name=f"/chatops-slack/{name}", Value=text, Type="String")

    return publish


@pytest.fixture
def error(environment):
    """What a command prints about its environment."""

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli.app, ["audit", *words])
        assert result.exit_code == 2, result.output
        return result.stderr

    return run


def test_the_only_gate_in_the_account_is_the_environment(published):
    published("prod/gate")

    environment = stack.load(None, None)

    assert (environment.outputs, environment.option) == (OUTPUTS, "--stack prod")
    assert environment.region == "eu-west-3"


@pytest.mark.parametrize("name", ["prod", "prod/gate"])
def test_a_stack_is_named_among_several(published, name):
    published("dev/gate", {"uploadBucket": "another"})
    published("prod/gate")
    published("prod-eu/gate", {"uploadBucket": "another"})

    environment = stack.load(name, None)

    assert environment["uploadBucket"] == "up"
    assert environment.option == "--stack prod"


def test_several_stacks_are_named_with_their_options(published, error):
    for number in range(11):  # more than a page
        published(f"dev{number}/gate")
    published("prod/gate")
    published("prod/second")

    text = error()

    assert "which environment? There are several in this account in eu-west-3" in text
    assert "--stack dev0, --stack dev1, --stack dev10" in text
    assert text.endswith("--stack prod/gate, --stack prod/second\n")
    assert of_stack("prod/second")[0] == "prod"


def test_one_of_several_gates_has_to_be_named(published, error):
    published("prod/gate")
    published("prod/second")

    assert "name one: --stack prod/gate, --stack prod/second" in error("--stack", "prod")


@pytest.mark.parametrize("words", [[], ["--stack", "prod"], ["--stack", "prod/gate"]])
def test_without_a_parameter_account_and_region_are_the_advice(error, words):
    text = error(*words)

    assert "published its outputs in this account in eu-west-3" in text
    assert "AWS_PROFILE, AWS_REGION" in text
    assert "--outputs FILE" in text


def test_a_name_that_no_stack_has_is_not_sent(error, asked_first):
    def refuse(operation: str, parameters: dict[str, Any]) -> None:
        pytest.fail(operation)

    asked_first(refuse)

    assert "is no name of a stack" in error("--stack", "prod; ls")


DENIED: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}


@pytest.mark.parametrize("words", [[], ["--stack", "prod"]], ids=["no name", "a name"])
@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (ClientError(DENIED, "GetParametersByPath"), "ask for the right to call"),
        (EndpointConnectionError(endpoint_url="https://ssm"), "check the network, the region"),
    ],
    ids=["no rights", "no network"],
)
def test_if_aws_does_not_answer_a_file_is_the_advice(error, asked_first, words, failure, says):
    def fail(operation: str, parameters: dict[str, Any]) -> None:
        raise failure

    asked_first(fail)

    text = error(*words)

    assert says in text
    assert "--outputs FILE" in text
    # It would ask AWS again.
    assert "--stack dev" not in text


def test_in_a_checkout_pulumi_may_know_what_aws_does_not(error, monkeypatch):
    monkeypatch.setattr(invocation, "IN_CHECKOUT", True)
    monkeypatch.setattr(stack.shutil, "which", lambda _: "/bin/pulumi")

    assert "name it: --stack dev, or --outputs FILE" in error()


def test_without_a_region_it_is_asked_for(error, monkeypatch, tmp_path):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    assert "no AWS region is set" in error()


@pytest.mark.parametrize(
    ("value", "says"), [("no json", "no JSON"), ("{}", "no output uploadBucket")]
)
def test_a_parameter_of_something_else_is_refused(published, error, value, says):
    published("prod/gate", value)

    assert says in error()


def test_a_file_is_not_looked_up(environment, asked_first):
    def refuse(operation: str, parameters: dict[str, Any]) -> None:
        pytest.fail(operation)

    asked_first(refuse)

    assert stack.load(None, environment.outputs)["uploadBucket"]


def test_outputs_of_an_older_stack_break_only_what_needs_the_missing_one(published):
    published("prod/gate", {"uploadBucket": "up"})
    environment = stack.load("prod", None)

    assert environment["uploadBucket"] == "up"
    with pytest.raises(CommandError, match="environment of --stack prod has no output topic"):
        environment["topic"]
