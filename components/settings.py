"""The settings of one environment, read and checked in one place.

Their types, descriptions and defaults are declared in ``Pulumi.yaml``; here are the rules that it
cannot say.
"""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.buttons import OUTCOMES, SCAN_AGAIN, TeamButton
from components.reader import Reader
from components.scan_project import Vpc
from domain.durations import UNITS
from domain.scan_id import APP

# A dot-string at a host name, as SES takes it (RFC 5321, section 4.1.2).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_LABEL}")
# In one mail (https://docs.aws.amazon.com/ses/latest/dg/quotas.html).
MOST_ADDRESSES = 50
# CloudWatch Logs takes these and no others (PutRetentionPolicy).
# fmt: off
LOG_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)
# fmt: on
COMPUTE_TYPES = tuple(
    f"BUILD_GENERAL1_{size}" for size in ("SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE")
)
# It stands in names of buckets (63 characters, lower case) and of the function that a button's
# criteria name (50).
STACK = re.compile(r"(?=.{1,16}$)[a-z0-9]+(-[a-z0-9]+)*")
EXAMPLE_ADDRESS = "developers@example.com"
EXAMPLE_FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:open-ticket"
# Of the 4 KB that a function's environment may have.
MOST_RECIPIENTS = 2000
MOST_BUTTONS = 5
LABEL = r"[^\s<>&\"\\][^<>&\"\\]{0,19}"
FUNCTION = rf"{SCAN_AGAIN}|arn:aws:lambda:[a-z0-9-]+:[0-9]{{12}}:function:[A-Za-z0-9_-]{{1,64}}"
MENTION = r"here|channel|[UWS][A-Z0-9]{6,20}"
# Set together or not at all.
VPC_EXAMPLES = {
    "vpcId": "vpc-0123456789abcdef0",
    "vpcSubnets[0]": "subnet-0123456789abcdef0",
    "vpcSecurityGroups[0]": "sg-0123456789abcdef0",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings; durations in seconds, ``sonar_token`` a secret Output or None.

    ``sonar_environment`` is the stack in the keys of SonarQube projects; empty where environments
    share them.
    """

    slack_workspace_id: str
    slack_channel_id: str
    sender: str
    create_sender: bool
    recipients: tuple[str, ...]
    engine: str
    sonar_host_url: str
    sonar_token: pulumi.Output[str] | None
    sonar_organization: str
    sonar_environment: str
    sonar_ca: str
    sarif_command: str
    allow_exclusions: bool
    limits: dict[str, int | None]
    coverage_limits: dict[str, int | None]
    upload_limits: dict[str, int]
    app_recipients: dict[str, tuple[str, ...]]
    uploader_domains: tuple[str, ...]
    decision_seconds: int
    escalate_seconds: int
    escalation_mention: str
    escalation_topic: str
    digest_after: int
    digest_seconds: int
    exception_seconds: int
    max_exception_seconds: int
    remind_seconds: int
    team_buttons: tuple[TeamButton, ...]
    lock_mode: str
    lock_days: int
    build_seconds: int
    queue_seconds: int
    architecture: str
    compute_type: str
    vpc: Vpc | None
    deployers: tuple[str, ...]
    user_role_required: bool
    record_who: bool
    log_days: int
    upload_days: int
    protect: bool

    @property
    def kept_days(self) -> int:
        """How long a replaced version is kept: as set, and while it may still be approved."""
        lives = self.decision_seconds + self.max_exception_seconds
        return max(self.upload_days, -(-lives // UNITS["d"]) + 1)

    @property
    def scan_environment(self) -> dict[str, str]:
        """What ``scan/`` is told besides the upload; nothing secret."""
        return {
            "ENGINE": self.engine,
            "LIMITS": json.dumps(self.limits),
            "COVERAGE_LIMITS": json.dumps(self.coverage_limits),
            "UPLOAD_LIMITS": json.dumps(self.upload_limits),
            "SONAR_HOST_URL": self.sonar_host_url,
            "SONAR_ORGANIZATION": self.sonar_organization,
            "SONAR_CA": self.sonar_ca,
            "ENVIRONMENT": self.sonar_environment,
            "ALLOW_EXCLUSIONS": json.dumps(self.allow_exclusions),
            "SARIF_COMMAND": self.sarif_command,
        }


def load(config: pulumi.Config, stack: str) -> Settings:
    """Read every setting of ``stack``.

    Raises:
        pulumi.RunError: names every wrong setting, what is wrong with it, and the command that
        mends it.
    """
    read = Reader(config, stack)
    if not STACK.fullmatch(stack):
        read.problems.append(
            f"the stack's name {stack!r} goes into names of buckets and functions: at most 16 "
            "lower-case letters, digits and single hyphens\n    pulumi stack rename dev"
        )

    recipients = read.several("recipients", EMAIL.pattern, "an email address", EXAMPLE_ADDRESS)
    if not recipients:
        read.wrong("recipients[0]", "nobody would get the emails", EXAMPLE_ADDRESS)
    _check_number(read, "recipients", recipients)
    engine = read.one_of("engine", ("sonarqube", "sarif"))
    sonar_token = config.get_secret("sonarToken") if config.get("sonarToken") else None
    if engine == "sonarqube":
        read.text(
            "sonarHostUrl",
            r"https?://[^\s/]+\S*",
            "the URL of a SonarQube server",
            "https://sonarqube.example.com",
        )
        if sonar_token is None:
            read.wrong("sonarToken", "is missing; engine sonarqube needs one", "", "--secret")
    sarif_command = config.get("sarifCommand") or ""
    if engine == "sarif" and not _names_both(sarif_command):
        read.wrong(
            "sarifCommand",
            "must be a command that names {source} and {sarif}",
            "'tool {source} --output {sarif}'",
        )

    exception_seconds = read.duration("exceptionPeriod", "5s", "270d", usual="30d")
    max_exception_seconds = read.duration("maxExceptionPeriod", "5s", "270d", usual="90d")
    if 0 < max_exception_seconds < exception_seconds:
        read.wrong(
            "maxExceptionPeriod",
            "is shorter than exceptionPeriod",
            config.require("exceptionPeriod"),
        )

    settings = Settings(
        slack_workspace_id=read.text(
            "slackWorkspaceId", "T[A-Z0-9]{8,}", "a Slack workspace id (T...)", "T0123456789"
        ),
        slack_channel_id=read.text(
            "slackChannelId", "[CG][A-Z0-9]{8,}", "a Slack channel id (C...)", "C0123456789"
        ),
        sender=read.text("sender", EMAIL.pattern, "an email address", "security@example.com"),
        create_sender=read.flag("createSender", usual="true"),
        recipients=recipients,
        app_recipients=_app_recipients(read, recipients),
        uploader_domains=read.several(
            "uploaderDomains", r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a domain", "example.com"
        ),
        engine=engine,
        sonar_host_url=(config.get("sonarHostUrl") or "").rstrip("/"),
        sonar_token=sonar_token if engine == "sonarqube" else None,
        sonar_organization=config.get("sonarOrganization") or "",
        sonar_environment="" if read.flag("sonarSharedProjects") else stack,
        sonar_ca=read.text(
            "sonarCa", r"([\s\S]*-----BEGIN CERTIFICATE-----[\s\S]*)?", "PEM", "< ca.pem"
        ),
        sarif_command=sarif_command,
        allow_exclusions=read.flag("allowExclusions"),
        limits=_limits(read, {each: each.title() for each in ("BLOCKER", "HIGH", "MEDIUM", "LOW")}),
        coverage_limits=_limits(read, {"unanalysed": "Unanalysed", "opaque": "Opaque"}),
        upload_limits={
            "files": read.whole("maxUploadFiles", 1, 1_000_000, usual=20_000),
            "bytes": read.whole("maxUploadMegabytes", 1, 50_000, usual=1024) * 1024 * 1024,
            "ratio": read.whole("maxUploadRatio", 2, 1100, usual=200),
        },
        # An execution of Step Functions lives a year, a build 36 hours after 8 in the queue.
        decision_seconds=read.duration("decisionWindow", "5s", "90d", usual="72h"),
        escalate_seconds=read.duration("escalateBefore", "0s", "90d", usual="12h"),
        escalation_mention=read.text(
            "escalationMention",
            f"({MENTION})?",
            "here, channel, or the id of a member (U...) or a group (S...)",
            "here",
        ),
        escalation_topic=read.text(
            "escalationTopic",
            r"(arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?",
            "the ARN of an SNS topic",
            "arn:aws:sns:eu-central-1:123456789012:on-call",
        ),
        # Each card looks at the places one after the other.
        digest_after=read.whole("digestAfter", 0, 50, usual=10),
        digest_seconds=read.duration("digestWindow", "1m", "1d", usual="5m"),
        exception_seconds=exception_seconds,
        max_exception_seconds=max_exception_seconds,
        remind_seconds=read.duration("remindBefore", "0s", "270d", usual="3d"),
        team_buttons=_team_buttons(read, config),
        lock_mode=read.one_of("evidenceLock", ("off", "governance", "compliance"))
        .removeprefix("off")
        .upper(),
        lock_days=read.whole("evidenceLockDays", 1, 36_500, usual=365),
        build_seconds=read.duration("buildTimeout", "5m", "36h", usual="30m"),
        queue_seconds=read.duration("queueTimeout", "5m", "8h", usual="8h"),
        architecture=read.one_of("architecture", ("x86_64", "arm64")),
        compute_type=read.one_of("computeType", COMPUTE_TYPES),
        vpc=_vpc(read),
        deployers=read.several(
            "deployers",
            r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?\s]+",
            "the ARN of an IAM role or user",
            "arn:aws:iam::123456789012:role/deploy",
        ),
        user_role_required=read.flag("userRoleRequired"),
        record_who=read.flag("recordWho"),
        log_days=read.one_number("logDays", LOG_DAYS, "the values that CloudWatch takes", usual=90),
        upload_days=read.whole("uploadDays", 1, 3650, usual=90),
        protect=read.flag("protect"),
    )
    if read.problems:
        raise pulumi.RunError("Settings to mend:\n  " + "\n  ".join(read.problems))
    return settings


def _limits(read: Reader, names: dict[str, str]) -> dict[str, int | None]:
    """The settings ``max<name>``; None where one is -1."""
    most = {key: read.whole(f"max{name}", -1, 1_000_000, usual=0) for key, name in names.items()}
    return {key: value if value >= 0 else None for key, value in most.items()}


def _app_recipients(read: Reader, usual: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for app, values in read.mapped("appRecipients", EXAMPLE_ADDRESS).items():
        # A dot in a name would be a step of the path.
        key = f'appRecipients["{app}"]' if "." in app else f"appRecipients.{app}"
        if APP.fullmatch(app):
            found[app] = _addresses(read, key, values)
        else:
            read.superfluous(f'appRecipients["{app}"]', "no app has such a name")
    if len(json.dumps({"": usual, **found})) > MOST_RECIPIENTS:
        read.superfluous(
            "appRecipients",
            f"over {MOST_RECIPIENTS} characters, more than a function's environment takes; use one "
            "address per team, such as a mailing list",
        )
    return found


def _addresses(read: Reader, key: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        read.wrong(f"{key}[0]", "nobody would get the emails", EXAMPLE_ADDRESS)
        return ()
    _check_number(read, key, values)
    for place, value in enumerate(values):
        if not (isinstance(value, str) and EMAIL.fullmatch(value)):
            read.wrong(f"{key}[{place}]", f"{value!r} is not an email address", EXAMPLE_ADDRESS)
    return tuple(values)


def _check_number(read: Reader, key: str, addresses: Sequence[object]) -> None:
    if len(addresses) > MOST_ADDRESSES:
        why = f"SES takes {MOST_ADDRESSES} addresses in one mail; use a mailing list"
        read.superfluous(f"{key}[{MOST_ADDRESSES}]", why)


def _team_buttons(read: Reader, config: pulumi.Config) -> tuple[TeamButton, ...]:
    try:
        declared = config.get_object("actions") or []
    except pulumi.ConfigTypeError:
        declared = [None]
    declared = declared if isinstance(declared, list) else [None]
    if len(declared) > MOST_BUTTONS:
        read.superfluous(f"actions[{MOST_BUTTONS}]", f"{MOST_BUTTONS} are the most")
    return tuple(_team_button(read, place, value) for place, value in enumerate(declared))


def _team_button(read: Reader, place: int, value: Any) -> TeamButton:
    value = value if isinstance(value, dict) else {}
    label, outcomes, function = (value.get(key) for key in ("label", "outcomes", "function"))
    key = f"actions[{place}]"
    if not (isinstance(label, str) and re.fullmatch(LABEL, label)):
        why = f"{label!r} is not a label of 1 to 20 characters"
        read.wrong(f"{key}.label", why, "'Open ticket'")
    if not (isinstance(function, str) and re.fullmatch(FUNCTION, function)):
        why = f"{function!r} is neither {SCAN_AGAIN} nor the ARN of a Lambda function"
        read.wrong(f"{key}.function", why, EXAMPLE_FUNCTION)
    outcomes = outcomes if isinstance(outcomes, list) and outcomes else [None]
    for at, outcome in enumerate(outcomes):
        if outcome not in OUTCOMES:
            why = f"{outcome!r} is not one of {', '.join(OUTCOMES)}"
            read.wrong(f"{key}.outcomes[{at}]", why, "broken")
        elif function == SCAN_AGAIN and outcome in ("failed", "approved", "ending"):
            why = f"a scan is done again once it is over: not on {outcome}"
            read.wrong(f"{key}.outcomes[{at}]", why, "broken")
    for other in value.keys() - {"label", "outcomes", "function"}:
        read.superfluous(f"{key}.{other}", "an action has label, outcomes and function")
    return TeamButton(label=str(label), outcomes=tuple(map(str, outcomes)), function=str(function))


def _vpc(read: Reader) -> Vpc | None:
    vpc_id = read.text("vpcId", r"(vpc-[0-9a-f]+)?", "the id of a VPC", VPC_EXAMPLES["vpcId"])
    subnets = read.several(
        "vpcSubnets", "subnet-[0-9a-f]+", "the id of a subnet", VPC_EXAMPLES["vpcSubnets[0]"]
    )
    security_groups = read.several(
        "vpcSecurityGroups",
        "sg-[0-9a-f]+",
        "the id of a security group",
        VPC_EXAMPLES["vpcSecurityGroups[0]"],
    )
    together = dict(zip(VPC_EXAMPLES, (vpc_id, subnets, security_groups), strict=True))
    for key, value in together.items():
        if any(together.values()) and not value:
            read.wrong(
                key, "is missing; a VPC, its subnets and groups go together", VPC_EXAMPLES[key]
            )
    if not vpc_id:
        return None
    return Vpc(vpc_id=vpc_id, subnets=subnets, security_groups=security_groups)


def _names_both(sarif_command: str) -> bool:
    try:
        words = " ".join(shlex.split(sarif_command))
    except ValueError:  # an open quote
        return False
    return "{source}" in words and "{sarif}" in words
