"""Where scans run: the CodeBuild project, its role, and the secret that it may read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.policy import Statement, allow, evidence, policy

PROGRAM = Path(__file__).parent.parent
SCAN, DOMAIN = PROGRAM / "scan", PROGRAM / "domain"
IMAGES = {
    "x86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    "arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """Where scans run when the SonarQube server is only reachable from inside."""

    vpc_id: str
    subnets: Sequence[str]
    security_groups: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class ScanProjectArgs:
    """``environment`` is what ``scan/`` is told besides the upload; ``sonar_token`` is a secret."""

    account: str
    region: str
    architecture: str
    compute_type: str
    build_minutes: int
    queue_minutes: int
    log_days: int
    protect: bool
    vpc: Vpc | None
    environment: Mapping[str, str]
    sonar_token: pulumi.Input[str] | None
    role: aws.iam.Role
    key_arn: pulumi.Input[str]
    uploads_arn: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    artifacts_arn: pulumi.Input[str]
    work: pulumi.Input[str]
    work_arn: pulumi.Input[str]


class ScanProject(pulumi.ComponentResource):
    """Runs ``scan/`` on one upload. Its source is our own code; the upload is data to it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    logs_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: ScanProjectArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:ScanProject", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        source = aws.s3.BucketObjectv2(
            name, bucket=args.work, key="source/scan.zip", source=packaged_scan(), opts=child
        )
        logs = aws.cloudwatch.LogGroup(name, retention_in_days=args.log_days, opts=child)
        environment: list[aws.codebuild.ProjectEnvironmentEnvironmentVariableArgsDict] = [
            *({"name": key, "value": value} for key, value in args.environment.items()),
            {"name": "ARTIFACTS_BUCKET", "value": args.artifacts},
        ]
        statements = _scan_one_upload(args, logs)
        if args.sonar_token is not None:
            secret = self._sonar_token(args, args.sonar_token)
            statements.append(allow("secretsmanager:GetSecretValue", on=[secret.arn]))
            environment.append(
                {"name": "SONAR_TOKEN", "value": secret.arn, "type": "SECRETS_MANAGER"}
            )
        if args.vpc:
            statements += _run_in_vpc(args.vpc, f"arn:aws:ec2:{args.region}:{args.account}")
        grants = aws.iam.RolePolicy(name, role=args.role.id, policy=policy(*statements), opts=child)

        kind, image = IMAGES[args.architecture]
        project = aws.codebuild.Project(
            name,
            description="Scans one upload; what to scan comes from the state machine",
            service_role=args.role.arn,
            source={
                "type": "S3",
                "location": pulumi.Output.concat(args.work, "/", source.key),
                "buildspec": (SCAN / "buildspec.yml").read_text(),
            },
            source_version=source.version_id,
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": kind,
                "image": image,
                "compute_type": args.compute_type,
                "environment_variables": environment,
            },
            build_timeout=args.build_minutes,
            queued_timeout=args.queue_minutes,
            cache={"type": "S3", "location": pulumi.Output.concat(args.work, "/cache")},
            encryption_key=args.key_arn,
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": logs.name}},
            vpc_config=(
                {
                    "vpc_id": args.vpc.vpc_id,
                    "subnets": args.vpc.subnets,
                    "security_group_ids": args.vpc.security_groups,
                }
                if args.vpc
                else None
            ),
            # CodeBuild checks the role's rights when the project is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants]),
        )
        self.name, self.arn, self.logs_arn = project.name, project.arn, logs.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _sonar_token(
        self, args: ScanProjectArgs, token: pulumi.Input[str]
    ) -> aws.secretsmanager.Secret:
        child = pulumi.ResourceOptions(parent=self)
        secret = aws.secretsmanager.Secret(
            "sonar-token",
            description="The token that scan/ analyses with",
            kms_key_id=args.key_arn,
            recovery_window_in_days=30 if args.protect else 7,
            opts=child,
        )
        aws.secretsmanager.SecretVersion(
            "sonar-token",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(token),
            opts=child,
        )
        return secret


def packaged_scan() -> pulumi.AssetArchive:
    """Package ``scan/`` and ``domain/`` file by file; a ``__pycache__`` would change the hash."""
    scan = [path for path in SCAN.rglob("*") if path.suffix in {".py", ".txt"}]
    return pulumi.AssetArchive(
        {
            f"{folder.name}/{path.relative_to(folder)}": pulumi.FileAsset(str(path))
            for folder, paths in ((DOMAIN, DOMAIN.glob("*.py")), (SCAN, scan))
            for path in sorted(paths)
        }
    )


def _scan_one_upload(args: ScanProjectArgs, logs: aws.cloudwatch.LogGroup) -> list[Statement]:
    def work(pattern: str) -> list[pulumi.Output[str]]:
        return [pulumi.Output.concat(args.work_arn, "/", pattern)]

    return [
        allow(
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            on=[pulumi.Output.concat(logs.arn, ":*")],
        ),
        allow("s3:GetObjectVersion", on=[pulumi.Output.concat(args.uploads_arn, "/*")]),
        allow("s3:GetObject", "s3:GetObjectVersion", on=work("source/scan.zip")),
        allow("s3:GetBucketAcl", "s3:GetBucketLocation", on=[args.work_arn]),
        allow(
            "s3:GetObject",
            "s3:PutObject",
            on=evidence(args.artifacts_arn, "report.json", "scanner.log"),
        ),
        allow("s3:GetObject", "s3:PutObject", on=work("cache/*")),
        allow("kms:Decrypt", "kms:GenerateDataKey", on=[args.key_arn]),
    ]


def _run_in_vpc(vpc: Vpc, here: str) -> list[Statement]:
    """What CodeBuild needs to put its network interface into the VPC (its guide, "VPC support")."""
    return [
        # EC2 does not know these by resource.
        allow(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            on=["*"],
        ),
        allow(
            "ec2:CreateNetworkInterfacePermission",
            on=[f"{here}:network-interface/*"],
            when={
                "StringEquals": {
                    "ec2:AuthorizedService": "codebuild.amazonaws.com",
                    "ec2:Subnet": [f"{here}:subnet/{each}" for each in vpc.subnets],
                }
            },
        ),
    ]
