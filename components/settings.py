"""The settings of one environment, read and checked in one place.

Their types, descriptions and defaults are declared in ``Pulumi.yaml``; here are the rules that it
cannot say.
"""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from components.buttons import OUTCOMES, SCAN_AGAIN, TeamButton
from components.scan_project import Vpc

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"([0-9]+)([smhd])")
EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\".]+(\.[^@\s<>\".]+)+")
# CloudWatch Logs takes these and no others (PutRetentionPolicy).
LOG_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
COMPUTE_TYPES = tuple(
    f"BUILD_GENERAL1_{size}" for size in ("SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE")
)
# It stands in names of buckets (63 characters, lower case) and of the function that a button's
# criteria name (50).
STACK = re.compile(r"(?=.{1,16}$)[a-z0-9]+(-[a-z0-9]+)*")
# As the state machine takes it from an upload's key.
APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
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
    """Checked settings; durations in seconds, ``sonar_token`` a secret Output or None."""

    slack_workspace_id: str
    slack_channel_id: str
    sender: str
    create_sender: bool
    recipients: tuple[str, ...]
    engine: str
    sonar_host_url: str
    sonar_token: pulumi.Output[str] | None
    sonar_organization: str
    sonar_ca: str
    sarif_command: str
    allow_exclusions: bool
    limits: dict[str, int | None]
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
            "UPLOAD_LIMITS": json.dumps(self.upload_limits),
            "SONAR_HOST_URL": self.sonar_host_url,
            "SONAR_ORGANIZATION": self.sonar_organization,
            "SONAR_CA": self.sonar_ca,
            "ALLOW_EXCLUSIONS": json.dumps(self.allow_exclusions),
            "SARIF_COMMAND": self.sarif_command,
        }


def load(config: pulumi.Config, stack: str) -> Settings:
    """Read every setting of ``stack``.

    Raises:
        pulumi.RunError: names every wrong setting, what is wrong with it, and the command that
        mends it.
    """
    problems: list[str] = []

    def wrong(key: str, why: str, example: str, flags: str = "") -> None:
        if "[" in key:
            flags = "--path "
        problems.append(
            f"{key}: {why}\n"
            f"    pulumi config set {flags}{shlex.quote(key)} {example} --stack {stack}"
        )

    def superfluous(key: str, why: str) -> None:
        flags = "--path " if re.search(r"[.\[]", key) else ""
        problems.append(
            f"{key}: {why}\n    pulumi config rm {flags}{shlex.quote(key)} --stack {stack}"
        )

    def text(key: str, pattern: str, why: str, example: str) -> str:
        value = config.get(key) or ""
        if not re.fullmatch(pattern, value):
            wrong(key, f"{value!r} is not {why}" if value else f"is missing; it is {why}", example)
        return value

    def one_of(key: str, allowed: tuple[str, ...]) -> str:
        return text(key, "|".join(allowed), f"one of {', '.join(allowed)}", allowed[0])

    def parsed(key: str, kind: str, example: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(key)
        except (pulumi.ConfigTypeError, ValueError):
            wrong(key, f"{config.get(key)!r} is not {kind}", example)
            return None

    def whole(key: str, low: int, high: int, usual: int) -> int:
        value = parsed(key, "a whole number", str(usual), config.require_int)
        if value is None:
            return usual
        if not low <= value <= high:
            wrong(key, f"{value} is not between {low} and {high}", str(usual))
        return value

    def flag(key: str) -> bool:
        return bool(parsed(key, "true or false", "true", config.require_bool))

    def duration(key: str, low: str, high: str, usual: str = "") -> int:
        """Return seconds, 0 where the value is wrong."""
        value = config.get(key) or ""
        if not DURATION.fullmatch(value):
            wrong(key, f"{value!r} is not a duration such as 90m, 72h or 30d", usual or high)
            return 0
        seconds = _seconds(value)
        if not _seconds(low) <= seconds <= _seconds(high):
            wrong(key, f"{value} is not between {low} and {high}", usual or high)
            return 0
        return seconds

    def several(key: str, pattern: str, kind: str, example: str) -> tuple[str, ...]:
        try:
            values = config.get_object(key) or []
        except pulumi.ConfigTypeError:
            values = config.get(key)
        if not isinstance(values, list):
            wrong(f"{key}[0]", f"{values!r} is not a list", example)
            return (example,)
        for place, value in enumerate(values):
            if not (isinstance(value, str) and re.fullmatch(pattern, value)):
                wrong(f"{key}[{place}]", f"{value!r} is not {kind}", example)
        return tuple(values)

    def mapped(key: str) -> dict[str, Any]:
        try:
            value = config.get_object(key) or {}
        except pulumi.ConfigTypeError:
            value = config.get(key)
        if not isinstance(value, dict):
            wrong(f"{key}.payments[0]", f"{value!r} does not map apps to lists", EXAMPLE_ADDRESS)
            return {}
        return value

    def addresses(key: str, values: Any) -> tuple[str, ...]:
        if not isinstance(values, list) or not values:
            wrong(f"{key}[0]", "nobody would get the emails", EXAMPLE_ADDRESS)
            return ()
        for place, value in enumerate(values):
            if not (isinstance(value, str) and EMAIL.fullmatch(value)):
                wrong(f"{key}[{place}]", f"{value!r} is not an email address", EXAMPLE_ADDRESS)
        return tuple(values)

    def team_button(place: int, value: Any) -> TeamButton:
        value = value if isinstance(value, dict) else {}
        label, outcomes, function = (value.get(key) for key in ("label", "outcomes", "function"))
        key = f"actions[{place}]"
        if not (isinstance(label, str) and re.fullmatch(LABEL, label)):
            why = f"{label!r} is not a label of 1 to 20 characters"
            wrong(f"{key}.label", why, "'Open ticket'")
        if not (isinstance(function, str) and re.fullmatch(FUNCTION, function)):
            why = f"{function!r} is neither {SCAN_AGAIN} nor the ARN of a Lambda function"
            wrong(f"{key}.function", why, EXAMPLE_FUNCTION)
        outcomes = outcomes if isinstance(outcomes, list) and outcomes else [None]
        for at, outcome in enumerate(outcomes):
            if outcome not in OUTCOMES:
                why = f"{outcome!r} is not one of {', '.join(OUTCOMES)}"
                wrong(f"{key}.outcomes[{at}]", why, "broken")
            elif function == SCAN_AGAIN and outcome in ("failed", "approved", "ending"):
                why = f"a scan is done again once it is over: not on {outcome}"
                wrong(f"{key}.outcomes[{at}]", why, "broken")
        for other in value.keys() - {"label", "outcomes", "function"}:
            superfluous(f"{key}.{other}", "an action has label, outcomes and function")
        return TeamButton(
            label=str(label), outcomes=tuple(map(str, outcomes)), function=str(function)
        )

    if not STACK.fullmatch(stack):
        problems.append(
            f"the stack's name {stack!r} goes into names of buckets and functions: at most 16 "
            "lower-case letters, digits and single hyphens\n    pulumi stack rename dev"
        )

    recipients = several("recipients", EMAIL.pattern, "an email address", EXAMPLE_ADDRESS)
    if not recipients:
        wrong("recipients[0]", "nobody would get the emails", EXAMPLE_ADDRESS)
    app_recipients: dict[str, tuple[str, ...]] = {}
    for app, values in mapped("appRecipients").items():
        # A dot in a name would be a step of the path.
        key = f'appRecipients["{app}"]' if "." in app else f"appRecipients.{app}"
        if APP.fullmatch(app):
            app_recipients[app] = addresses(key, values)
        else:
            superfluous(f'appRecipients["{app}"]', "no app has such a name")
    if len(json.dumps({"": recipients, **app_recipients})) > MOST_RECIPIENTS:
        superfluous(
            "appRecipients",
            f"over {MOST_RECIPIENTS} characters, more than a function's environment takes; use one "
            "address per team, such as a mailing list",
        )
    try:
        declared = config.get_object("actions") or []
    except pulumi.ConfigTypeError:
        declared = [None]
    declared = declared if isinstance(declared, list) else [None]
    if len(declared) > MOST_BUTTONS:
        superfluous(f"actions[{MOST_BUTTONS}]", f"{MOST_BUTTONS} are the most")
    team_buttons = [team_button(place, value) for place, value in enumerate(declared)]
    mention = config.get("escalationMention") or ""
    if mention and not re.fullmatch(MENTION, mention):
        why = f"{mention!r} is not here, channel, or the id of a member (U...) or a group (S...)"
        wrong("escalationMention", why, "here")

    engine = one_of("engine", ("sonarqube", "sarif"))
    sonar_token = config.get_secret("sonarToken") if config.get("sonarToken") else None
    if engine == "sonarqube":
        text(
            "sonarHostUrl",
            r"https?://[^\s/]+\S*",
            "the URL of a SonarQube server",
            "https://sonarqube.example.com",
        )
        if sonar_token is None:
            wrong("sonarToken", "is missing; engine sonarqube needs one", "TOKEN", "--secret ")
    sarif_command = config.get("sarifCommand") or ""
    if engine == "sarif" and not _names_both(sarif_command):
        wrong(
            "sarifCommand",
            "must be a command that names {source} and {sarif}",
            "'tool {source} --output {sarif}'",
        )

    vpc_id = text("vpcId", r"(vpc-[0-9a-f]+)?", "the id of a VPC", VPC_EXAMPLES["vpcId"])
    subnets = several(
        "vpcSubnets", "subnet-[0-9a-f]+", "the id of a subnet", VPC_EXAMPLES["vpcSubnets[0]"]
    )
    security_groups = several(
        "vpcSecurityGroups",
        "sg-[0-9a-f]+",
        "the id of a security group",
        VPC_EXAMPLES["vpcSecurityGroups[0]"],
    )
    vpc = dict(zip(VPC_EXAMPLES, (vpc_id, subnets, security_groups), strict=True))
    if any(vpc.values()):
        for key in (key for key, value in vpc.items() if not value):
            wrong(key, "is missing; a VPC, its subnets and groups go together", VPC_EXAMPLES[key])
    log_days = parsed("logDays", "a whole number", "90", config.require_int)
    if log_days is not None and log_days not in LOG_DAYS:
        days = ", ".join(map(str, LOG_DAYS))
        wrong("logDays", f"{log_days} is none of the values that CloudWatch takes: {days}", "90")

    exception_seconds = duration("exceptionPeriod", "5s", "270d", usual="30d")
    max_exception_seconds = duration("maxExceptionPeriod", "5s", "270d")
    if 0 < max_exception_seconds < exception_seconds:
        wrong(
            "maxExceptionPeriod",
            "is shorter than exceptionPeriod",
            config.require("exceptionPeriod"),
        )

    settings = Settings(
        slack_workspace_id=text(
            "slackWorkspaceId", "T[A-Z0-9]{8,}", "a Slack workspace id (T...)", "T0123456789"
        ),
        slack_channel_id=text(
            "slackChannelId", "[CG][A-Z0-9]{8,}", "a Slack channel id (C...)", "C0123456789"
        ),
        sender=text("sender", EMAIL.pattern, "an email address", "security@example.com"),
        create_sender=flag("createSender"),
        recipients=recipients,
        app_recipients=app_recipients,
        uploader_domains=several(
            "uploaderDomains", r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a domain", "example.com"
        ),
        engine=engine,
        sonar_host_url=(config.get("sonarHostUrl") or "").rstrip("/"),
        sonar_token=sonar_token if engine == "sonarqube" else None,
        sonar_organization=config.get("sonarOrganization") or "",
        sonar_ca=text(
            "sonarCa", r"([\s\S]*-----BEGIN CERTIFICATE-----[\s\S]*)?", "PEM", "< ca.pem"
        ),
        sarif_command=sarif_command,
        allow_exclusions=flag("allowExclusions"),
        limits={
            severity: most if most >= 0 else None
            for severity in ("BLOCKER", "HIGH", "MEDIUM", "LOW")
            for most in [whole(f"max{severity.title()}", -1, 1_000_000, usual=0)]
        },
        upload_limits={
            "files": whole("maxUploadFiles", 1, 1_000_000, usual=20_000),
            "bytes": whole("maxUploadMegabytes", 1, 50_000, usual=1024) * 1024 * 1024,
            "ratio": whole("maxUploadRatio", 2, 1100, usual=200),
        },
        # An execution of Step Functions lives a year, a build 36 hours after 8 in the queue.
        decision_seconds=duration("decisionWindow", "5s", "90d"),
        escalate_seconds=duration("escalateBefore", "0s", "90d"),
        escalation_mention=mention,
        escalation_topic=text(
            "escalationTopic",
            r"(arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?",
            "the ARN of an SNS topic",
            "arn:aws:sns:eu-central-1:123456789012:on-call",
        ),
        # Each card looks at the places one after the other.
        digest_after=whole("digestAfter", 0, 50, usual=10),
        digest_seconds=duration("digestWindow", "1m", "1d"),
        exception_seconds=exception_seconds,
        max_exception_seconds=max_exception_seconds,
        remind_seconds=duration("remindBefore", "0s", "270d"),
        team_buttons=tuple(team_buttons),
        lock_mode=one_of("evidenceLock", ("off", "governance", "compliance"))
        .removeprefix("off")
        .upper(),
        lock_days=whole("evidenceLockDays", 1, 36_500, usual=365),
        build_seconds=duration("buildTimeout", "5m", "36h"),
        queue_seconds=duration("queueTimeout", "5m", "8h"),
        architecture=one_of("architecture", ("x86_64", "arm64")),
        compute_type=one_of("computeType", COMPUTE_TYPES),
        vpc=Vpc(vpc_id=vpc_id, subnets=subnets, security_groups=security_groups)
        if vpc_id
        else None,
        deployers=several(
            "deployers",
            r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?\s]+",
            "the ARN of an IAM role or user",
            "arn:aws:iam::123456789012:role/deploy",
        ),
        user_role_required=flag("userRoleRequired"),
        record_who=flag("recordWho"),
        log_days=log_days or 0,
        upload_days=whole("uploadDays", 1, 3650, usual=90),
        protect=flag("protect"),
    )
    if problems:
        raise pulumi.RunError("Settings to mend:\n  " + "\n  ".join(problems))
    return settings


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * UNITS[duration[-1]]


def _names_both(sarif_command: str) -> bool:
    try:
        words = " ".join(shlex.split(sarif_command))
    except ValueError:  # an open quote
        return False
    return "{source}" in words and "{sarif}" in words
