from pathlib import Path
from typing import Any

import pytest
import yaml

from components.build_network import Network
from components.compute import EC2
from components.scan_project import Scanners, SonarQube, Vpc, packaged_scan
from tests.support.recording import PROGRAM, TOKEN, Built, gate

pytestmark = pytest.mark.slow

LIMITS = '{"BLOCKER": 0, "HIGH": 0, "MEDIUM": null, "LOW": null}'
UPLOAD_LIMITS = '{"files": 20000, "bytes": 1073741824, "ratio": 200}'
SERVER = Scanners(
    names=["sonarqube"], sonarqube=SonarQube(host_url="https://sonar.example.com", token=TOKEN)
)
VPC = Vpc(vpc_id="vpc-1", subnets=["subnet-1", "subnet-2"], security_groups=["sg-1"])


def scan(**changed: Any) -> Built:
    return gate(**{"log_retention_days": 30, "compute_type": EC2[1], **changed})


@pytest.fixture(scope="module")
def built() -> Built:
    return scan()


def project(built: Built) -> dict[str, Any]:
    return built.one("codebuild/project:Project").inputs


def test_the_project_scans_with_our_own_code_within_its_limits(built: Built):
    assert project(built) == {
        "description": "Scans one upload; what to scan comes from the state machine",
        "serviceRole": "arn:aws:iam:::gate-scan",
        "source": {
            "type": "S3",
            "location": "gate-state/source/scan.zip",
            "buildspec": (PROGRAM / "scan" / "buildspec.yml").read_text(),
        },
        "sourceVersion": "v1",
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "environmentVariables": [
                {"name": "SCANNERS", "value": '["bandit"]'},
                {"name": "LIMITS", "value": LIMITS},
                {"name": "COVERAGE_LIMITS", "value": '{"unanalysed": 0, "opaque": null}'},
                {"name": "UPLOAD_LIMITS", "value": UPLOAD_LIMITS},
                {"name": "ALLOW_EXCLUSIONS", "value": "false"},
                {"name": "SCAN_SECONDS", "value": "1680"},
                {"name": "ARTIFACTS_BUCKET", "value": "gate-artifacts"},
            ],
        },
        "buildTimeout": 30,
        "queuedTimeout": 480,
        "cache": {"type": "S3", "location": "gate-state/cache"},
        "encryptionKey": "arn:aws:kms:::gate-key",
        "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "gate-scan"}},
    }


def test_scans_run_on_the_newest_python_of_the_images(built: Built):
    """YAML reads the version as a number, and 3.10 as 3.1."""
    buildspec = yaml.safe_load(project(built)["source"]["buildspec"])

    assert str(buildspec["phases"]["install"]["runtime-versions"]["python"]) == "3.14"


@pytest.mark.parametrize(
    ("architecture", "kind", "image"),
    [
        ("x86_64", "LINUX_LAMBDA_CONTAINER", "amazonlinux-x86_64-lambda-standard:python3.14"),
        ("arm64", "ARM_LAMBDA_CONTAINER", "amazonlinux-aarch64-lambda-standard:python3.14"),
    ],
)
def test_lambda_compute_gets_nothing_that_it_refuses(architecture: str, kind: str, image: str):
    built = scan(compute_type="auto", architecture=architecture)
    inputs = project(built)

    environment = inputs["environment"]
    assert (environment["type"], environment["image"]) == (kind, f"aws/codebuild/{image}")
    assert environment["computeType"] == "BUILD_LAMBDA_4GB"
    assert not {"buildTimeout", "queuedTimeout", "cache", "vpcConfig"} & set(inputs)
    [seconds] = [
        variable["value"]
        for variable in environment["environmentVariables"]
        if variable["name"] == "SCAN_SECONDS"
    ]
    assert seconds == str(15 * 60 - 120)
    of_ec2 = yaml.safe_load((PROGRAM / "scan" / "buildspec.yml").read_text())
    assert yaml.safe_load(inputs["source"]["buildspec"]) == {
        "version": 0.2,
        "phases": {"build": of_ec2["phases"]["build"]},
    }
    assert not any("cache" in resource for _, resource in built.rights("gate-scan"))


@pytest.mark.parametrize(
    "needs",
    [
        {"vpc": VPC},
        {"scanners": SERVER},
        {"scanners": Scanners(names=["custom"], custom_command="tool {source} {sarif}")},
        {"build_seconds": 16 * 60},
        {"network": Network(proxy_url="http://proxy.example.com:3128")},
    ],
)
def test_what_does_not_fit_lambda_compute_runs_on_ec2(needs: dict[str, Any]):
    environment = project(scan(compute_type="auto", **needs))["environment"]

    assert environment["computeType"] == "BUILD_GENERAL1_MEDIUM"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"vpc": VPC}, "can't run scans in a VPC"),
        ({"build_seconds": 16 * 60}, "ends each scan after 15 minutes"),
    ],
)
def test_lambda_compute_is_refused_where_it_can_not_work(wrong: dict[str, Any], why: str):
    with pytest.raises(ValueError, match=why):
        scan(compute_type="BUILD_LAMBDA_2GB", **wrong)


def test_arm_has_an_image_of_its_own():
    environment = project(scan(architecture="arm64"))["environment"]

    assert environment["type"] == "ARM_CONTAINER"
    assert environment["image"] == "aws/codebuild/amazonlinux-aarch64-standard:3.0"


def test_size_and_time_are_settings():
    inputs = project(
        scan(compute_type="BUILD_GENERAL1_LARGE", build_seconds=420, queue_seconds=660)
    )

    assert inputs["environment"]["computeType"] == "BUILD_GENERAL1_LARGE"
    assert (inputs["buildTimeout"], inputs["queuedTimeout"]) == (7, 11)


def test_its_logs_have_the_configured_retention(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup", "gate-scan").inputs == {"retentionInDays": 30}


def test_the_project_is_created_after_its_permissions(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy", "gate-scan")

    assert grants.urn in built.one("codebuild/project:Project").depends_on


def test_the_token_is_a_secret_under_our_key_and_the_project_knows_only_its_arn():
    built = scan(scanners=SERVER)
    secret = built.one("secretsmanager/secret:Secret")
    version = built.one("secretsmanager/secretVersion:SecretVersion")

    assert secret.inputs["kmsKeyId"] == "arn:aws:kms:::gate-key"
    assert version.inputs == {"secretId": "gate-scan-sonar-token", "secretString": TOKEN}
    assert version.secret == {"secretString"}
    assert project(built)["environment"]["environmentVariables"][-1] == {
        "name": "SONAR_TOKEN",
        "value": "arn:aws:secretsmanager:::gate-scan-sonar-token",
        "type": "SECRETS_MANAGER",
    }
    assert (
        "secretsmanager:GetSecretValue",
        "arn:aws:secretsmanager:::gate-scan-sonar-token",
    ) in built.rights("gate-scan")


def test_an_engine_without_a_token_has_no_secret(built: Built):
    assert not built.all("secretsmanager/secret:Secret")
    assert not built.all("secretsmanager/secretVersion:SecretVersion")


@pytest.mark.parametrize(("protect", "days"), [(False, 7), (True, 30)], ids=["off", "on"])
def test_a_deleted_token_can_be_restored_for_some_days(protect: bool, days: int):
    secret = scan(scanners=SERVER, protect=protect).one("secretsmanager/secret:Secret")

    assert secret.inputs["recoveryWindowInDays"] == days


def test_scans_run_in_the_vpc_where_one_is_set():
    built = scan(vpc=VPC)

    assert project(built)["vpcConfig"] == {
        "vpcId": "vpc-1",
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroupIds": ["sg-1"],
    }


def test_the_source_is_all_of_scan_and_domain():
    packaged = set(packaged_scan({}).assets)
    sources = {
        str(path.relative_to(PROGRAM))
        for folder in ("domain", "scan")
        for path in (PROGRAM / folder).rglob("*.py")
    }

    assert sources <= packaged
    # It is unpacked above the scanned upload, so nothing in it may be a scanner's settings file.
    assert {name.split("/")[0] for name in packaged} == {"domain", "scan"}
    assert {
        "scan/__main__.py",
        "scan/recipes/bandit/recipe.toml",
    } <= packaged


def test_other_files_in_scan_do_not_change_the_source(tmp_path: Path, monkeypatch):
    for name in (
        "one.py",
        "deep/two.py",
        "a.json",
        "b.txt",
        "x.pyc",
        "__pycache__/one.pyc",
        ".env",
    ):
        path = tmp_path / "scan" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr("components.scan_project.SCAN", tmp_path / "scan")
    monkeypatch.setattr("components.scan_project.DOMAIN", tmp_path / "domain")

    assert sorted(packaged_scan({}).assets) == [
        "scan/deep/two.py",
        "scan/one.py",
    ]


def test_the_source_is_stored_where_the_project_reads_it(built: Built):
    source = built.one("s3/bucketObjectv2:BucketObjectv2").inputs

    assert (source["bucket"], source["key"]) == ("gate-state", "source/scan.zip")
    packed = {name for name in source["source"].assets if name.startswith("packs/")}
    assert set(source["source"].assets) - packed == set(packaged_scan({}).assets)
    assert packed == {"packs/scan", "packs/bandit"}
