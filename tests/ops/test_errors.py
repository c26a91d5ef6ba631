"""Errors of AWS become messages that say what to do."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import boto3
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
from botocore.parsers import ResponseParserError
from typer.testing import CliRunner

from ops import errors
from ops.cli import app


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


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AWS_ENDPOINT_URL": "127.0.0.1:9"}, "Invalid endpoint: 127.0.0.1:9"),
        (
            {
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/missing/token",
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/payments-build",
            },
            "the token of your role cannot be read",
        ),
    ],
    ids=["address without scheme", "no token of a web identity"],
)
def test_settings_that_boto3_does_not_explain_are_named(monkeypatch, tmp_path, variables, message):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_REGION": "eu-central-1", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    outputs = tmp_path / "outputs.json"
    outputs.write_text('{"uploadBucket": "uploads", "artifactsBucket": "artifacts"}')

    result = CliRunner().invoke(app, ["status", "payments", "--outputs", str(outputs)])

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_page_that_a_network_sends_instead_of_aws_is_named(monkeypatch):
    class LoginPage(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with ThreadingHTTPServer(("127.0.0.1", 0), LoginPage) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        result = CliRunner().invoke(app, ["status", "payments"])
        server.shutdown()

    assert result.exit_code == 2
    assert "the response is not one of AWS" in result.stderr
    failure = errors.understood(ResponseParserError("not well-formed"))
    assert failure
    assert "the response is not one of AWS: not well-formed" in failure.what
