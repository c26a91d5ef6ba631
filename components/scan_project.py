"""Where scans run: the CodeBuild project, its rights, and the secret that it may read."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import yaml

from components.build_network import PACKAGED_CA, Network
from components.compute import Compute
from components.context import Context
from components.policy import Grant, Statement, allow, policy
from components.storage import Storage
from packs import platforms, store
from packs.errors import PackError

PROGRAM = Path(__file__).parent.parent
SCAN, DOMAIN = PROGRAM / "scan", PROGRAM / "domain"
# Names for ``Scanners``: the recipes that have a command, and what needs more than a recipe.
RECIPES = tuple(
    path.parent.name
    for path in sorted((SCAN / "recipes").glob("*/recipe.toml"))
    if "command" in tomllib.loads(path.read_text())
)
SCANNERS = ("sonarqube", *RECIPES, "custom")
# Scanners are stopped so long before the build, of whose minutes a part is its setup.
REPORT_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """The VPC that scans run in when the SonarQube server is only reachable from inside."""

    vpc_id: str
    subnets: Sequence[str]
    security_groups: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class SonarQube:
    """A SonarQube server, or SonarQube Cloud, which has an ``organization``.

    ``token`` is a global analysis token. ``environment`` is part of the project keys: without it
    all gates that use the server share projects.
    """

    host_url: str
    token: pulumi.Input[str] = field(repr=False)
    organization: str = ""
    environment: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What ``scan/`` gets of it besides the token."""
        return {
            "SONAR_HOST_URL": self.host_url,
            "SONAR_ORGANIZATION": self.organization,
            "ENVIRONMENT": self.environment,
        }


@dataclass(frozen=True, kw_only=True)
class Scanners:
    """What scans an upload, side by side; ``names`` are in the order in which people read of them.

    Each is a recipe's (see ``RECIPES``), ``sonarqube``, which needs ``sonarqube``, or ``custom``,
    which needs ``custom_command``: that of any tool which writes SARIF 2.1.0, with {source} and
    {sarif} in it. ``custom_folder`` has what that tool needs (see ``packs.store.Pack``).
    """

    names: Sequence[str] = ("bandit",)
    sonarqube: SonarQube | None = None
    custom_command: str = ""
    custom_folder: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What ``scan/`` gets of them besides the token."""
        return {
            "SCANNERS": json.dumps(list(self.names)),
            **(self.sonarqube.variables if self.sonarqube else {}),
            **({"CUSTOM_COMMAND": self.custom_command} if self.custom_command else {}),
        }

    @property
    def problem(self) -> str:
        """What is wrong with them as a sentence's end; empty if nothing is."""
        if not self.names or len(set(self.names)) < len(self.names):
            return "name one scanner or more, and none of them twice"
        if unknown := [name for name in self.names if name not in SCANNERS]:
            return f"be of {', '.join(SCANNERS)}: {', '.join(unknown)} is not"
        if ("sonarqube" in self.names) != (self.sonarqube is not None):
            return "have a SonarQube server if, and only if, they name sonarqube"
        if ("custom" in self.names) != bool(self.custom_command):
            return "have a custom_command if, and only if, they name custom"
        return ""


@dataclass(frozen=True, kw_only=True)
class Build:
    """The scanner, the limits that pass, and the machine that a scan runs on.

    ``limits`` are the maximum findings by severity, if the limits decide, and ``coverage_limits``
    the maximum files by class; None is no limit. ``upload_limits`` is what an upload may unpack to:
    files, bytes, and bytes for each byte of the zip.
    """

    scanners: Scanners
    limits: Mapping[str, int | None]
    coverage_limits: Mapping[str, int | None]
    upload_limits: Mapping[str, int]
    allow_exclusions: bool
    compute: Compute
    queue_seconds: int
    vpc: Vpc | None
    network: Network = field(default_factory=Network)

    @property
    def variables(self) -> dict[str, str]:
        """What ``scan/`` gets besides the upload; nothing secret."""
        return {
            **self.scanners.variables,
            **self.network.variables,
            "LIMITS": json.dumps(self.limits),
            "COVERAGE_LIMITS": json.dumps(self.coverage_limits),
            "UPLOAD_LIMITS": json.dumps(self.upload_limits),
            "ALLOW_EXCLUSIONS": json.dumps(self.allow_exclusions),
            "SCAN_SECONDS": str(self.compute.seconds - REPORT_SECONDS),
        }


@dataclass(frozen=True, kw_only=True)
class ScanProjectArgs:
    """``storage`` has the uploads, the evidence, and the role that the project runs as."""

    context: Context
    storage: Storage
    build: Build


class ScanProject(pulumi.ComponentResource):
    """Runs ``scan/`` on one upload. Its source is our own code; the upload is data to it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    log_group_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: ScanProjectArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:ScanProject", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, storage, build = args.context, args.storage, args.build
        state = storage.state.name

        source = aws.s3.BucketObjectv2(
            name,
            bucket=state,
            key="source/scan.zip",
            source=packaged_scan(_packs(build), build.network.ca_bundle),
            opts=child,
        )
        logs = aws.cloudwatch.LogGroup(
            name, retention_in_days=context.log_retention_days, opts=child
        )
        variables: list[aws.codebuild.ProjectEnvironmentEnvironmentVariableArgsDict] = [
            *({"name": key, "value": value} for key, value in build.variables.items()),
            {"name": "ARTIFACTS_BUCKET", "value": storage.artifacts.name},
        ]
        statements = _scan_one_upload(storage, logs)
        if not build.compute.is_lambda:
            cache = storage.state.objects("cache/*")
            statements.append(allow("s3:GetObject", "s3:PutObject", resources=cache))
        for variable, (label, description, value) in _secrets(build).items():
            secret = self._secret(f"{name}-{label}", args, description, value)
            statements.append(allow("secretsmanager:GetSecretValue", resources=[secret.arn]))
            variables.append({"name": variable, "value": secret.arn, "type": "SECRETS_MANAGER"})
        if build.vpc:
            statements += _run_in_vpc(build.vpc, context)
        grants = aws.iam.RolePolicy(
            name, role=storage.scan_role.id, policy=policy(*statements), opts=child
        )

        kind, image = build.compute.image
        project = aws.codebuild.Project(
            name,
            description="Scans one upload; what to scan comes from the state machine",
            service_role=storage.scan_role.arn,
            source={
                "type": "S3",
                "location": pulumi.Output.concat(state, "/", source.key),
                "buildspec": _buildspec(build.compute),
            },
            source_version=source.version_id,
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": kind,
                "image": image,
                "compute_type": build.compute.type,
                "environment_variables": variables,
            },
            **_of_ec2(build, state),
            encryption_key=storage.key_arn,
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": logs.name}},
            vpc_config=(
                {
                    "vpc_id": build.vpc.vpc_id,
                    "subnets": build.vpc.subnets,
                    "security_group_ids": build.vpc.security_groups,
                }
                if build.vpc
                else None
            ),
            # CodeBuild checks the role's rights when the project is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants]),
        )
        self.name, self.arn, self.log_group_arn = project.name, project.arn, logs.arn
        self.register_outputs(
            {"name": self.name, "arn": self.arn, "log_group_arn": self.log_group_arn}
        )

    def run(self) -> Grant:
        """Start builds, and stop them."""
        return [
            allow(
                "codebuild:StartBuild",
                "codebuild:StopBuild",
                "codebuild:BatchGetBuilds",
                resources=[self.arn],
            )
        ]

    def read_builds(self) -> Grant:
        """Read the results and logs of builds."""
        return [
            allow("codebuild:BatchGetBuilds", resources=[self.arn]),
            allow(
                "logs:GetLogEvents",
                resources=[pulumi.Output.concat(self.log_group_arn, ":log-stream:*")],
            ),
        ]

    def _secret(
        self, name: str, args: ScanProjectArgs, description: str, value: pulumi.Input[str]
    ) -> aws.secretsmanager.Secret:
        child = pulumi.ResourceOptions(parent=self)
        secret = aws.secretsmanager.Secret(
            name,
            description=description,
            kms_key_id=args.storage.key_arn,
            recovery_window_in_days=30 if args.context.protect else 7,
            opts=child,
        )
        aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(value),
            opts=child,
        )
        return secret


def _secrets(build: Build) -> dict[str, tuple[str, str, pulumi.Input[str]]]:
    """The secrets of a build, by variable: label, description and value."""
    secrets: dict[str, tuple[str, str, pulumi.Input[str]]] = {}
    if server := build.scanners.sonarqube:
        token = server.token
        secrets["SONAR_TOKEN"] = ("sonar-token", "The token that scan/ analyses with", token)
    return secrets


def _buildspec(compute: Compute) -> str:
    """The commands of a build; an image of Lambda compute has one Python, and no cache."""
    text = (SCAN / "buildspec.yml").read_text()
    if not compute.is_lambda:
        return text
    spec = yaml.safe_load(text)
    del spec["phases"]["install"], spec["cache"]
    return yaml.safe_dump(spec, sort_keys=False)


def _of_ec2(build: Build, state: pulumi.Input[str]) -> dict[str, Any]:
    """What Lambda compute refuses: limits of its time and of its queue, and a cache."""
    if build.compute.is_lambda:
        return {}
    return {
        "build_timeout": build.compute.seconds // 60,
        "queued_timeout": build.queue_seconds // 60,
        "cache": {"type": "S3", "location": pulumi.Output.concat(state, "/cache")},
    }


def _packs(build: Build) -> dict[str, Path]:
    """What the scanners need, by their names; fetched before, so that builds install nothing.

    Raises:
        pulumi.RunError: a pack has not been fetched.
    """
    platform = platforms.of_builds(build.compute.architecture)
    folder = Path(build.scanners.custom_folder) if build.scanners.custom_folder else None
    packs = [store.of(name, platform, folder) for name in (store.OWN, *build.scanners.names)]
    try:
        return {pack.name: pack.stored() for pack in packs if pack.is_needed}
    except PackError as error:
        raise pulumi.RunError(str(error)) from error


def packaged_scan(packs: Mapping[str, Path], ca_bundle: str = "") -> pulumi.AssetArchive:
    """Package ``scan/``, ``domain/``, ``packs`` and the file ``ca_bundle``, if there is one.

    File by file, since a ``__pycache__`` would change the hash.
    """
    scan = [path for path in SCAN.rglob("*") if path.suffix in {".py", ".toml"}]
    assets: dict[str, pulumi.Asset | pulumi.Archive] = {
        f"{folder.name}/{path.relative_to(folder)}": pulumi.FileAsset(str(path))
        for folder, paths in ((DOMAIN, DOMAIN.glob("*.py")), (SCAN, scan))
        for path in sorted(paths)
    }
    for name, path in packs.items():
        assets[f"packs/{name}"] = pulumi.FileArchive(str(path))
    if ca_bundle:
        assets[PACKAGED_CA] = pulumi.FileAsset(ca_bundle)
    return pulumi.AssetArchive(assets)


def _scan_one_upload(storage: Storage, logs: aws.cloudwatch.LogGroup) -> list[Statement]:
    return [
        allow(
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            resources=[pulumi.Output.concat(logs.arn, ":*")],
        ),
        *storage.read_uploads(),
        # Without the right to list, since the ids of other scans would be those of uploads: a
        # document is read only after S3 has said that it exists.
        *storage.write_evidence("report.json", "findings.json", "scanner.log"),
        # What CodeBuild does with a source in S3.
        allow("s3:GetBucketAcl", "s3:GetBucketLocation", resources=[storage.state.arn]),
        allow(
            "s3:GetObject",
            "s3:GetObjectVersion",
            resources=storage.state.objects("source/scan.zip"),
        ),
    ]


def _run_in_vpc(vpc: Vpc, context: Context) -> list[Statement]:
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
            resources=["*"],
        ),
        allow(
            "ec2:CreateNetworkInterfacePermission",
            resources=[context.arn("ec2", "network-interface/*")],
            conditions={
                "StringEquals": {
                    "ec2:AuthorizedService": "codebuild.amazonaws.com",
                    "ec2:Subnet": [
                        context.arn("ec2", f"subnet/{subnet}") for subnet in vpc.subnets
                    ],
                }
            },
        ),
    ]
