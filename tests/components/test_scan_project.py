from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest
import yaml

from components.policy import trust
from components.scan_project import ScanProject, ScanProjectArgs, Vpc, packaged_scan
from tests.components.recording import ACCOUNT, PROGRAM, REGION, TOKEN, Built, build

VPC = Vpc(vpc_id="vpc-1", subnets=["subnet-1", "subnet-2"], security_groups=["sg-1"])
BASE_RIGHTS = [
    {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": ["arn:aws:cloudwatch:::scan:*"],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObjectVersion"],
        "Resource": ["arn:aws:s3:::uploads/*"],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": ["arn:aws:s3:::work/source/scan.zip"],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetBucketAcl", "s3:GetBucketLocation"],
        "Resource": ["arn:aws:s3:::work"],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": [
            "arn:aws:s3:::artifacts/scans/*/report.json",
            "arn:aws:s3:::artifacts/scans/*/scanner.log",
        ],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::work/cache/*"],
    },
    {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": ["arn:key"],
    },
]


def scan(**changed: Any) -> Built:
    settings = {
        "account": ACCOUNT,
        "region": REGION,
        "architecture": "x86_64",
        "compute_type": "BUILD_GENERAL1_MEDIUM",
        "build_minutes": 30,
        "queue_minutes": 480,
        "log_days": 30,
        "protect": False,
        "vpc": None,
        "environment": {"ENGINE": "sarif"},
        "sonar_token": None,
        "key_arn": "arn:key",
        "uploads_arn": "arn:aws:s3:::uploads",
        "artifacts": "artifacts",
        "artifacts_arn": "arn:aws:s3:::artifacts",
        "work": "work",
        "work_arn": "arn:aws:s3:::work",
    }

    def make() -> ScanProject:
        role = aws.iam.Role("scan", assume_role_policy=trust("codebuild.amazonaws.com"))
        return ScanProject("scan", ScanProjectArgs(**{"role": role, **settings, **changed}))

    return build(make)


@pytest.fixture(scope="module")
def built() -> Built:
    return scan()


def project(built: Built) -> dict[str, Any]:
    return built.one("codebuild/project:Project").inputs


def test_a_scan_reads_uploads_and_writes_its_report_and_nothing_else(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy")

    assert grants.inputs["role"] == built.one("iam/role:Role").name
    assert grants.policy() == BASE_RIGHTS


def test_the_project_scans_with_our_own_code_within_its_limits(built: Built):
    assert project(built) == {
        "description": "Scans one upload; what to scan comes from the state machine",
        "serviceRole": "arn:aws:iam:::scan",
        "source": {
            "type": "S3",
            "location": "work/source/scan.zip",
            "buildspec": (PROGRAM / "scan" / "buildspec.yml").read_text(),
        },
        "sourceVersion": "v1",
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "environmentVariables": [
                {"name": "ENGINE", "value": "sarif"},
                {"name": "ARTIFACTS_BUCKET", "value": "artifacts"},
            ],
        },
        "buildTimeout": 30,
        "queuedTimeout": 480,
        "cache": {"type": "S3", "location": "work/cache"},
        "encryptionKey": "arn:key",
        "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "scan"}},
    }


def test_scans_run_on_the_newest_python_of_the_images(built: Built):
    """YAML makes a number of it, and of 3.10, say, another one."""
    buildspec = yaml.safe_load(project(built)["source"]["buildspec"])

    assert str(buildspec["phases"]["install"]["runtime-versions"]["python"]) == "3.14"


def test_arm_has_an_image_of_its_own():
    environment = project(scan(architecture="arm64"))["environment"]

    assert environment["type"] == "ARM_CONTAINER"
    assert environment["image"] == "aws/codebuild/amazonlinux-aarch64-standard:3.0"


def test_size_and_time_are_settings():
    inputs = project(scan(compute_type="BUILD_GENERAL1_LARGE", build_minutes=7, queue_minutes=11))

    assert inputs["environment"]["computeType"] == "BUILD_GENERAL1_LARGE"
    assert (inputs["buildTimeout"], inputs["queuedTimeout"]) == (7, 11)


def test_its_logs_end_after_the_days_that_are_set(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup").inputs == {"retentionInDays": 30}


def test_the_project_is_made_after_its_rights(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy")

    assert grants.urn in built.one("codebuild/project:Project").depends_on


def test_the_token_is_a_secret_under_our_key_and_the_project_knows_only_its_arn():
    built = scan(sonar_token=TOKEN)
    secret = built.one("secretsmanager/secret:Secret")
    version = built.one("secretsmanager/secretVersion:SecretVersion")

    assert secret.inputs["kmsKeyId"] == "arn:key"
    assert version.inputs == {"secretId": "sonar-token", "secretString": TOKEN}
    assert version.secret == {"secretString"}
    assert project(built)["environment"]["environmentVariables"][-1] == {
        "name": "SONAR_TOKEN",
        "value": "arn:aws:secretsmanager:::sonar-token",
        "type": "SECRETS_MANAGER",
    }
    assert built.one("iam/rolePolicy:RolePolicy").policy() == [
        *BASE_RIGHTS,
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": ["arn:aws:secretsmanager:::sonar-token"],
        },
    ]


def test_an_engine_without_a_token_has_no_secret(built: Built):
    assert not built.all("secretsmanager/secret:Secret")
    assert not built.all("secretsmanager/secretVersion:SecretVersion")


@pytest.mark.parametrize(("protect", "days"), [(False, 7), (True, 30)], ids=["off", "on"])
def test_a_deleted_token_can_be_had_back_for_a_while(protect: bool, days: int):
    secret = scan(sonar_token=TOKEN, protect=protect).one("secretsmanager/secret:Secret")

    assert secret.inputs["recoveryWindowInDays"] == days


def test_scans_run_in_the_vpc_where_one_is_set():
    built = scan(vpc=VPC)

    assert project(built)["vpcConfig"] == {
        "vpcId": "vpc-1",
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroupIds": ["sg-1"],
    }
    assert built.one("iam/rolePolicy:RolePolicy").policy() == [
        *BASE_RIGHTS,
        {
            "Effect": "Allow",
            "Action": [
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "Resource": ["*"],
        },
        {
            "Effect": "Allow",
            "Action": ["ec2:CreateNetworkInterfacePermission"],
            "Resource": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/*"],
            "Condition": {
                "StringEquals": {
                    "ec2:AuthorizedService": "codebuild.amazonaws.com",
                    "ec2:Subnet": [
                        f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-1",
                        f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-2",
                    ],
                }
            },
        },
    ]


def test_the_source_is_all_of_scan_and_domain():
    packaged = set(packaged_scan().assets)
    sources = {
        str(path.relative_to(PROGRAM))
        for folder in ("domain", "scan")
        for path in (PROGRAM / folder).rglob("*.py")
    }

    assert sources <= packaged
    # It lies above the uploads that are scanned: nothing in it may be a scanner's settings.
    assert {name.split("/")[0] for name in packaged} == {"domain", "scan"}
    assert {
        "scan/__main__.py",
        "scan/requirements-sarif.txt",
        "scan/requirements-sonarqube.txt",
    } <= packaged


def test_what_else_lies_in_scan_never_changes_the_source(tmp_path: Path, monkeypatch):
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

    assert sorted(packaged_scan().assets) == [
        "scan/b.txt",
        "scan/deep/two.py",
        "scan/one.py",
    ]


def test_the_source_lies_where_the_project_looks_for_it(built: Built):
    source = built.one("s3/bucketObjectv2:BucketObjectv2").inputs

    assert (source["bucket"], source["key"]) == ("work", "source/scan.zip")
    assert set(source["source"].assets) == set(packaged_scan().assets)
