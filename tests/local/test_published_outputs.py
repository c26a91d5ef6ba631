"""People's roles find the environment on this account by their own rights, as on AWS."""

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from local.account import DEPLOYERS, DEVELOPERS, REGION, LocalAccount
from ops import cli, invocation
from ops.access_rights import arns, environment_policy
from ops.program import ACCOUNT
from tests.support.policy_evaluator import needs_engine


@pytest.fixture
def shell(cloud: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The shell of a developer, in which only AWS is configured."""
    monkeypatch.setattr(invocation, "IN_CHECKOUT", False)
    monkeypatch.delenv("CHATOPS_OUTPUTS", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"{DEVELOPERS}@ada@example.com")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    # moto's account and an earlier test's differ in their addresses.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return monkeypatch


@pytest.mark.parametrize("words", [[], ["--stack", "local"], ["--stack", "local/gate"]])
def test_who_deploys_needs_a_role_and_nothing_else(shell, words):
    shell.setenv("AWS_ACCESS_KEY_ID", f"{DEPLOYERS}@ci")

    result = CliRunner().invoke(cli.app, ["fetch", "payments", *words])

    assert "nothing was uploaded for app payments" in result.stderr, result.output


@needs_engine
def test_a_role_without_the_rights_is_told_so(cloud, shell):
    cloud.client("iam").create_role(RoleName="stranger", AssumeRolePolicyDocument="{}")
    shell.setenv("AWS_ACCESS_KEY_ID", "stranger@eve")

    result = CliRunner().invoke(cli.app, ["fetch", "payments"])
    cloud.guard.denied.clear()

    assert result.exit_code == 2
    assert "ask for the right to call GetParametersByPath" in result.stderr


@needs_engine
def test_each_of_the_rights_is_needed(cloud):
    policy = environment_policy(arns("local", {}, ACCOUNT, REGION))
    calls = {
        "get_parameters_by_path": ({"Path": "/chatops-slack"}, {"Path": "/chatops-slack/local"}),
        "get_parameter": ({"Name": "/chatops-slack/local/gate"},),
    }
    ssm = cloud.client("ssm", signer=f"{DEVELOPERS}@ada@example.com")

    for call, arguments in calls.items():
        for given in arguments:
            getattr(ssm, call)(**given)
    with pytest.raises(ClientError, match="not authorized"):
        ssm.get_parameter(Name="/another/parameter")
    cloud.guard.denied.clear()
    used = {(item.request.action, item.request.resource) for item in cloud.guard.allowed.values()}
    for statement in policy["Statement"]:
        for resource in statement["Resource"]:
            assert any(
                action in statement["Action"] and arn.startswith(resource.rstrip("*"))
                for action, arn in used
            )
