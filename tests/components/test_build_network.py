"""What a build gets to reach the network."""

from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.build_network import Network, ca_problem
from components.scan_project import packaged_scan
from tests.support.recording import Built, gate

NETWORK = Network(
    ca_bundle=certifi.where(),
    proxy_url="http://proxy.example.com:3128",
    no_proxy=(".internal.example.com", "10.0.0.0/8"),
)


@pytest.fixture(scope="module")
def built() -> Built:
    return gate(network=NETWORK)


def variables(built: Built) -> dict[str, dict[str, Any]]:
    inputs = built.one("codebuild/project:Project").inputs
    return {item["name"]: item for item in inputs["environment"]["environmentVariables"]}


def test_proxy_and_authorities_are_variables_of_the_build(built: Built):
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "CA_BUNDLE")

    assert {name: variables(built)[name]["value"] for name in names} == {
        "HTTP_PROXY": "http://proxy.example.com:3128",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "NO_PROXY": "localhost,127.0.0.1,169.254.169.254,169.254.170.2,"
        ".internal.example.com,10.0.0.0/8",
        "CA_BUNDLE": "scan/ca.pem",
    }


def test_a_build_without_such_settings_has_no_such_variables():
    assert Network().variables == {}


def test_a_bundle_of_any_length_is_a_file_of_the_source(built: Built):
    """A variable has 4,096 characters at most."""
    assert Path(certifi.where()).stat().st_size > 200_000
    source = built.one("s3/bucketObjectv2:BucketObjectv2").inputs["source"]

    assert source.assets["scan/ca.pem"].path == certifi.where()
    assert "scan/ca.pem" not in packaged_scan({}).assets
    assert max(len(str(item["value"])) for item in variables(built).values()) < 4096


def test_a_private_key_among_the_certificates_is_refused(tmp_path: Path):
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "ca.pem"
    file.write_bytes(Path(certifi.where()).read_bytes() + key)

    assert ca_problem(file) == "holds a private key, which builds must not have"


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nMIIB\n"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes):
    file = tmp_path / "ca.pem"
    file.write_bytes(content)

    assert ca_problem(file) == "is not a file of certificates in PEM"
    assert ca_problem(tmp_path) == "can't be read: Is a directory"
