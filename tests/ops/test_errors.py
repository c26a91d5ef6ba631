"""Errors of AWS become messages that say what to do."""

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    InvalidRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    SSOTokenLoadError,
)

from ops import errors


def test_a_missing_permission_is_named(environment, denied):
    denied("artifacts")

    result = environment.run("verify", "--all")

    assert result.exit_code == 2
    assert "AWS refused ListObjectVersions: Access Denied" in result.stderr
    assert "ask for the right" in result.stderr


def test_a_missing_environment_is_named(environment):
    environment.s3.delete_bucket(Bucket="artifacts")

    result = environment.run("audit")

    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert "is this the right stack" in result.stderr


def test_an_unreachable_address_is_named(environment, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    result = environment.run("waiting")

    assert result.exit_code == 2
    assert "127.0.0.1:9" in result.stderr
    assert "AWS_ENDPOINT_URL" in result.stderr


@pytest.mark.parametrize("output", ["stateBucket", "artifactsBucket"])
def test_an_environment_that_is_older_than_the_command_is_named(environment, output):
    text = environment.outputs.read_text()
    environment.outputs.write_text(text.replace(output, "unknown"))

    result = environment.run("waiting")

    assert result.exit_code == 2
    assert f"has no output {output}" in result.stderr


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (ProfileNotFound(profile="prod"), "AWS_PROFILE"),
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "log in"),
        (SSOTokenLoadError(error_msg="Token for s does not exist"), "log in"),
        (CredentialRetrievalError(provider="custom-process", error_msg=""), "log in"),
        (ClientError({"Error": {"Code": "UnrecognizedClientException"}}, "GetParameter"), "log in"),
        (InvalidRegionError(region_name="eu central"), "set AWS_REGION"),
        (ProxyConnectionError(proxy_url="http://127.0.0.1:9"), "check the network"),
        (SSLError(endpoint_url="https://127.0.0.1", error="wrong version"), "check the network"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_wrong_on_this_machine_is_not_to_be_tried_again(error, fix):
    assert fix in errors.of_aws(error).fix
