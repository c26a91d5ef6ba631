"""The settings of one environment, read and checked in one place.

``Pulumi.yaml`` declares their types, descriptions and defaults; this module has the rules that it
cannot express.
"""

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

import pulumi

from components import recipients as emails
from components.approval_rules import ApprovalRules
from components.build_network import Network
from components.buttons import NOT_OVER, OUTCOMES, SCAN_AGAIN, TEAM_BUTTONS, TeamButton
from components.compute import AUTO, COMPUTE_TYPES, problem
from components.context import elsewhere
from components.reader import Reader
from components.resource_policies import policy_too_large
from components.scan_project import PROGRAM, SCANNERS, Scanners, SonarQube, Vpc
from components.sender import covers
from components.upload_gate import (
    APPROVAL_COVERS,
    LOG_RETENTION_DAYS,
    MAX_PEOPLE,
    SELF_APPROVAL,
    UploadGateArgs,
)
from domain.json_values import as_dict, is_list
from domain.partition import PARTITION
from domain.scan_id import APP, APPS
from packs.platforms import ARCHITECTURES

# A dot-string at a host name, as SES takes it (RFC 5321, section 4.1.2).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_LABEL}")
DOMAIN = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
# It is part of the names of buckets (63 characters, lower case) and of the function in a button's
# criteria (50).
STACK = re.compile(r"(?=.{1,16}$)[a-z0-9]+(-[a-z0-9]+)*")
EXAMPLE_ADDRESS = "developers@example.com"
# S3 and KMS refuse a policy that names a group, or all by a wildcard, or nobody.
_NAME = r"[A-Za-z0-9_+=,.@-]+"
PRINCIPAL = re.compile(rf"arn:{PARTITION}:iam::[0-9]{{12}}:(role|user)/({_NAME}/)*{_NAME}")
A_PRINCIPAL = "the ARN of an IAM role or user"
EXAMPLE_PRINCIPAL = f"arn:{PARTITION}:iam::123456789012:role/deploy"
# Of the 4 KB that a function's environment may have.
MAX_RECIPIENTS = 2000
LABEL = r"[^\s<>&\"\\][^<>&\"\\]{0,19}"
FUNCTION = (
    rf"{SCAN_AGAIN}|arn:{PARTITION}:lambda:[a-z0-9-]+:[0-9]{{12}}:function:[A-Za-z0-9_-]{{1,64}}"
)
MENTION = r"here|channel|[UWS][A-Z0-9]{6,20}"
USER = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}"
# The name of a role's session, and the id of a principal
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
UPLOADS_AS = r"[A-Za-z0-9_+=,.@:-]{2,100}"
EXAMPLE_COMMAND = "'tool {source} --output {sarif}'"
# Set together or not at all.
VPC_EXAMPLES = {
    "vpcId": "vpc-0123456789abcdef0",
    "vpcSubnets[0]": "subnet-0123456789abcdef0",
    "vpcSecurityGroups[0]": "sg-0123456789abcdef0",
}


def load(config: pulumi.Config, stack: str) -> UploadGateArgs:
    """Read every setting of ``stack``.

    Raises:
        pulumi.RunError: names every wrong setting, what is wrong with it, and the command that
        fixes it.
    """
    read = Reader(config, stack)
    if not STACK.fullmatch(stack):
        read.errors.append(
            f"the stack's name {stack!r} goes into names of buckets and functions: at most 16 "
            "lower-case letters, digits and single hyphens\n    pulumi stack rename dev"
        )

    region = pulumi.Config("aws").get("region") or ""
    uploader_domains = read.string_list("uploaderDomains", DOMAIN, "a domain", "example.com")
    most_recipients = emails.most(uploader_domains)
    sender = read.text("sender", EMAIL.pattern, "an email address", "security@example.com")
    creates = read.boolean("createEmailIdentity", default="true")
    recipients = read.string_list("recipients", EMAIL.pattern, "an email address", EXAMPLE_ADDRESS)
    if not recipients:
        read.add_error("recipients[0]", "nobody would get the emails", EXAMPLE_ADDRESS)
    _check_number(read, "recipients", recipients, most_recipients)
    exception_seconds = read.duration("exceptionPeriod", "5s", "270d", default="30d")
    max_exception_seconds = read.duration("maxExceptionPeriod", "5s", "270d", default="90d")
    if 0 < max_exception_seconds < exception_seconds:
        read.add_error(
            "maxExceptionPeriod",
            "is shorter than exceptionPeriod",
            config.require("exceptionPeriod"),
        )

    approvals = read.integer("approvals", 1, 2, default=1)
    self_approval = read.one_of("selfApproval", SELF_APPROVAL)
    records_approver = read.boolean("recordApprover")
    rules = ApprovalRules(approvals=approvals, self_approval=self_approval)
    if rules.need_people and not records_approver:
        reason = "is needed by selfApproval refuse and approvals 2: they go by who clicked"
        read.add_error("recordApprover", reason, "true")

    deployers = read.string_list("deployers", PRINCIPAL.pattern, A_PRINCIPAL, EXAMPLE_PRINCIPAL)

    args = UploadGateArgs(
        slack_workspace_id=read.text(
            "slackWorkspaceId", "T[A-Z0-9]{8,}", "a Slack workspace id (T...)", "T0123456789"
        ),
        slack_channel_id=read.text(
            "slackChannelId", "[CG][A-Z0-9]{8,}", "a Slack channel id (C...)", "C0123456789"
        ),
        sender=sender,
        create_email_identity=creates,
        sender_domain=_sender_domain(read, sender, creates),
        recipients=recipients,
        app_recipients=_app_recipients(read, recipients, most_recipients),
        uploader_domains=uploader_domains,
        failure_emails=read.one_of("failureEmails", ("uploader", "recipients", "off")),
        scanners=_scanners(read, config, stack),
        allow_exclusions=read.boolean("allowExclusions"),
        limits=_limits(read, {name: name.title() for name in ("BLOCKER", "HIGH", "MEDIUM", "LOW")}),
        coverage_limits=_limits(read, {"unanalysed": "Unanalysed", "opaque": "Opaque"}),
        upload_limits={
            "files": read.integer("maxUploadFiles", 1, 1_000_000, default=20_000),
            "bytes": read.integer("maxUploadMegabytes", 1, 50_000, default=1024) * 1024 * 1024,
            "ratio": read.integer("maxUploadRatio", 2, 1100, default=200),
        },
        # An execution of Step Functions lives a year, a build 36 hours after 8 in the queue.
        decision_seconds=read.duration("decisionWindow", "5s", "90d", default="72h"),
        escalate_seconds=read.duration("escalateBefore", "0s", "90d", default="12h"),
        escalation_mention=read.text(
            "escalationMention",
            f"({MENTION})?",
            "here, channel, or the id of a member (U...) or a group (S...)",
            "here",
        ),
        escalation_topic=_escalation_topic(read, region),
        # Each card tries the thread slots one after the other.
        digest_after=read.integer("digestAfter", 0, 50, default=10),
        digest_seconds=read.duration("digestWindow", "1m", "1d", default="5m"),
        exception_seconds=exception_seconds,
        max_exception_seconds=max_exception_seconds,
        approval_covers=read.one_of("approvalCovers", APPROVAL_COVERS),
        approvals=approvals,
        self_approval=self_approval,
        people=_people(read),
        remind_seconds=read.duration("remindBefore", "0s", "270d", default="3d"),
        custom_actions=_team_buttons(read, config, region),
        lock_mode=read.one_of("evidenceLock", ("off", "governance", "compliance"))
        .removeprefix("off")
        .upper(),
        lock_days=read.integer("evidenceLockDays", 1, 36_500, default=365),
        build_seconds=_build_seconds(read, config),
        queue_seconds=read.duration("queueTimeout", "5m", "8h", default="8h"),
        architecture=read.one_of("architecture", ARCHITECTURES),
        compute_type=read.one_of("computeType", COMPUTE_TYPES),
        vpc=_vpc(read),
        network=_network(read, config),
        deployers=deployers,
        uploaders=_uploaders(read, deployers),
        user_role_required=read.boolean("userRoleRequired"),
        record_approver=records_approver,
        log_retention_days=read.one_of_integers(
            "logRetentionDays", LOG_RETENTION_DAYS, "the values that CloudWatch takes", default=90
        ),
        upload_retention_days=read.integer("uploadRetentionDays", 1, 3650, default=90),
        protect=read.boolean("protect"),
        tags={"project": config.name, "stack": stack, "managed-by": "pulumi"},
    )
    if too_much := problem(args.compute(region), region=region, in_vpc=bool(args.vpc)):
        read.add_error("computeType", too_much, AUTO)
    if read.errors:
        raise pulumi.RunError("Settings to fix:\n  " + "\n  ".join(read.errors))
    return args


def _build_seconds(read: Reader, config: pulumi.Config) -> int:
    """0 for what the compute type allows."""
    if config.get("buildTimeout") in (None, "", AUTO):
        return 0
    return read.duration("buildTimeout", "5m", "36h", default=AUTO)


def _scanners(read: Reader, config: pulumi.Config, stack: str) -> Scanners:
    for former in ("engine", "sarifCommand"):
        if config.get(former) is not None:
            reason = "is not used any more; set scanners, and customScanner for a tool of your own"
            read.add_unwanted(former, f"{reason} (docs/scanners.md)")
    known = f"one of {', '.join(SCANNERS)}"
    names = read.string_list("scanners", "|".join(SCANNERS), known, "bandit")
    if not names:
        read.add_error("scanners[0]", "nothing would be scanned", "bandit")
    for position, name in enumerate(names):
        if name in names[:position]:
            read.add_unwanted(f"scanners[{position}]", f"{name!r} is in it already")
    # Read for every scanner, so that a wrong value is reported before it is needed.
    environment = "" if read.boolean("sonarSharedProjects") else stack
    command, folder = _custom_scanner(read, needed="custom" in names)
    return Scanners(
        names=names,
        sonarqube=_sonarqube(read, config, environment) if "sonarqube" in names else None,
        custom_command=command if "custom" in names else "",
        custom_folder=folder if "custom" in names else "",
    )


def _sonarqube(read: Reader, config: pulumi.Config, environment: str) -> SonarQube:
    host_url = read.url(
        "sonarHostUrl", "the URL of a SonarQube server", "https://sonarqube.example.com"
    )
    if not config.get("sonarToken"):
        read.add_error("sonarToken", "is missing; scanner sonarqube needs one", "", "--secret")
    return SonarQube(
        host_url=host_url.rstrip("/"),
        token=config.get_secret("sonarToken") or "",
        organization=config.get("sonarOrganization") or "",
        environment=environment,
    )


def _custom_scanner(read: Reader, *, needed: bool) -> tuple[str, str]:
    """The command, and the path of the folder with what it needs, or an empty text."""
    custom = read.mapping(
        "customScanner", EXAMPLE_COMMAND, ".command", "does not map command to a text"
    )
    for other in set(custom) - {"command", "folder"}:
        reason = "there is no such part; command and folder are"
        read.add_unwanted(f"customScanner.{other}", reason)
    key, command = "customScanner.command", custom.get("command", "")
    if "command" not in custom:
        if needed:
            read.add_error(key, "is missing; scanner custom needs one", EXAMPLE_COMMAND)
    elif not (isinstance(command, str) and _has_placeholders(command)):
        read.add_error(key, "must be a command that names {source} and {sarif}", EXAMPLE_COMMAND)
    folder = PROGRAM / str(custom["folder"]) if custom.get("folder") else None
    if folder and not folder.is_dir():
        read.add_unwanted("customScanner.folder", f"there is no folder {folder}")
    return str(command), str(folder or "")


def _limits(read: Reader, names: dict[str, str]) -> dict[str, int | None]:
    """The settings ``max<name>``; None where one is -1."""
    limits = {
        key: read.integer(f"max{name}", -1, 1_000_000, default=0) for key, name in names.items()
    }
    return {key: value if value >= 0 else None for key, value in limits.items()}


def _people(read: Reader) -> dict[str, str]:
    kind = "an address, the name of a session, or the id of a principal"
    people: dict[str, str] = {}
    for user, value in read.mapping(
        "people", "ada@example.com", ".U0123456789", "does not map ids of users to texts"
    ).items():
        key = _of_app("people", user)
        if not re.fullmatch(USER, user):
            read.add_unwanted(key, "the chat service has no such user")
        elif not (isinstance(value, str) and re.fullmatch(UPLOADS_AS, value)):
            read.add_error(key, f"{value!r} is not {kind}", "ada@example.com")
        else:
            people[user] = value
    if len(json.dumps(people)) > MAX_PEOPLE:
        read.add_unwanted(
            "people",
            f"over {MAX_PEOPLE} characters, more than a function's environment takes; leave out "
            "those whose name in the chat is their address",
        )
    return people


def _sender_domain(read: Reader, sender: str, creates: bool) -> str:
    example = sender.rpartition("@")[2].lower() or "example.com"
    domain = read.text("senderDomain", f"({DOMAIN})?", "a domain", example)
    if domain and not creates:
        read.add_unwanted("senderDomain", "no identity is created: createEmailIdentity is false")
    elif re.fullmatch(DOMAIN, domain) and EMAIL.fullmatch(sender) and not covers(domain, sender):
        read.add_error("senderDomain", f"{sender} is not an address of {domain}", example)
    return domain


def _app_recipients(
    read: Reader, default: tuple[str, ...], most: int
) -> dict[str, tuple[str, ...]]:
    recipients: dict[str, tuple[str, ...]] = {}
    for app, values in read.mapping("appRecipients", EXAMPLE_ADDRESS).items():
        key = _of_app("appRecipients", app)
        if APP.fullmatch(app):
            recipients[app] = _addresses(read, key, values, most)
        else:
            read.add_unwanted(key, "no app has such a name")
    if len(json.dumps({"": default, **recipients})) > MAX_RECIPIENTS:
        read.add_unwanted(
            "appRecipients",
            f"over {MAX_RECIPIENTS} characters, more than a function's environment takes; use one "
            "address per team, such as a mailing list",
        )
    return recipients


def _addresses(read: Reader, key: str, values: Any, most: int) -> tuple[str, ...]:
    addresses = read.part_list(key, values, "nobody would get the emails", EXAMPLE_ADDRESS)
    _check_number(read, key, addresses, most)
    return read.matching(key, addresses, EMAIL.pattern, "an email address", EXAMPLE_ADDRESS)


def _check_number(read: Reader, key: str, addresses: Sequence[object], most: int) -> None:
    if len(emails.distinct(map(str, addresses))) > most:
        uploader = "" if most == emails.MOST else ", one of them the uploader's (uploaderDomains)"
        reason = f"SES takes {emails.MOST} addresses in one mail{uploader}; use a mailing list"
        read.add_unwanted(f"{key}[{most}]", reason)


def _of_app(key: str, app: str) -> str:
    """The path of an app's entry; without quotes, the CLI would read a dot as a step of it."""
    return f"{key}.{app}" if APP.fullmatch(app) and "." not in app else f'{key}["{app}"]'


def _uploaders(read: Reader, deployers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    uploaders: dict[str, tuple[str, ...]] = {}
    for app, values in read.mapping("uploaders", EXAMPLE_PRINCIPAL).items():
        key = _of_app("uploaders", app)
        if not APPS.fullmatch(app):
            read.add_unwanted(key, "no app has such a name, nor do several begin with it")
            continue
        principals = read.part_list(key, values, "nobody could upload", EXAMPLE_PRINCIPAL)
        read.matching(key, principals, PRINCIPAL.pattern, A_PRINCIPAL, EXAMPLE_PRINCIPAL)
        uploaders[app] = tuple(map(str, principals))
    if too_large := policy_too_large(deployers, uploaders):
        reason = f"{too_large}; use one role for several apps, or a pattern such as team-a-*"
        read.add_unwanted("uploaders" if uploaders else "deployers", reason)
    return uploaders


def _escalation_topic(read: Reader, region: str) -> str:
    example = f"arn:{PARTITION}:sns:{region or 'eu-central-1'}:123456789012:on-call"
    topic = read.text(
        "escalationTopic",
        rf"(arn:{PARTITION}:sns:[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}})?",
        "the ARN of an SNS topic",
        example,
    )
    if elsewhere(topic, region):
        read.add_error("escalationTopic", f"{topic} is not in {region}, as this stack is", example)
    return topic


def _team_buttons(read: Reader, config: pulumi.Config, region: str) -> tuple[TeamButton, ...]:
    try:
        value: Any = config.get_object("customActions") or []
    except pulumi.ConfigTypeError:
        value = None
    declared = value if is_list(value) else [None]
    if len(declared) > TEAM_BUTTONS:
        read.add_unwanted(f"customActions[{TEAM_BUTTONS}]", f"at most {TEAM_BUTTONS}")
    return tuple(_team_button(read, index, value, region) for index, value in enumerate(declared))


def _team_button(read: Reader, index: int, value: Any, region: str) -> TeamButton:
    action = as_dict(value)
    label, function = action.get("label"), action.get("function")
    key, one_of = f"customActions[{index}]", f"one of {', '.join(OUTCOMES)}"
    example = f"arn:{PARTITION}:lambda:{region or 'eu-central-1'}:123456789012:function:open-ticket"
    if not (isinstance(label, str) and re.fullmatch(LABEL, label)):
        reason = f"{label!r} is not a label of 1 to 20 characters"
        read.add_error(f"{key}.label", reason, "'Open ticket'")
    if not (isinstance(function, str) and re.fullmatch(FUNCTION, function)):
        reason = f"{function!r} is neither {SCAN_AGAIN} nor the ARN of a Lambda function"
        read.add_error(f"{key}.function", reason, example)
    elif elsewhere(function, region):
        reason = f"{function} is not in {region}, as this stack is"
        read.add_error(f"{key}.function", reason, example)
    outcomes = read.part_list(
        f"{key}.outcomes", action.get("outcomes"), f"is missing; it is {one_of}", "error"
    )
    for position, outcome in enumerate(outcomes):
        if outcome not in OUTCOMES:
            read.add_error(f"{key}.outcomes[{position}]", f"{outcome!r} is not {one_of}", "error")
        elif function == SCAN_AGAIN and outcome in NOT_OVER:
            reason = f"a scan is done again once it is over: not on {outcome}"
            read.add_error(f"{key}.outcomes[{position}]", reason, "error")
    for other in action.keys() - {"label", "outcomes", "function"}:
        read.add_unwanted(f"{key}.{other}", "a custom action has label, outcomes and function")
    return TeamButton(label=str(label), outcomes=tuple(map(str, outcomes)), function=str(function))


def _vpc(read: Reader) -> Vpc | None:
    vpc_id = read.text("vpcId", r"(vpc-[0-9a-f]+)?", "the id of a VPC", VPC_EXAMPLES["vpcId"])
    subnets = read.string_list(
        "vpcSubnets", "subnet-[0-9a-f]+", "the id of a subnet", VPC_EXAMPLES["vpcSubnets[0]"]
    )
    security_groups = read.string_list(
        "vpcSecurityGroups",
        "sg-[0-9a-f]+",
        "the id of a security group",
        VPC_EXAMPLES["vpcSecurityGroups[0]"],
    )
    together = dict(zip(VPC_EXAMPLES, (vpc_id, subnets, security_groups), strict=True))
    for key, value in together.items():
        if any(together.values()) and not value:
            read.add_error(
                key, "is missing; a VPC, its subnets and groups go together", VPC_EXAMPLES[key]
            )
    if not vpc_id:
        return None
    return Vpc(vpc_id=vpc_id, subnets=subnets, security_groups=security_groups)


def _network(read: Reader, config: pulumi.Config) -> Network:
    ca_bundle = config.get("caBundle") or ""
    network = Network(
        ca_bundle=str(PROGRAM / ca_bundle) if ca_bundle else "",
        proxy_url=config.get("proxyUrl") or "",
        no_proxy=read.string_list(
            "noProxy", r"[A-Za-z0-9.:/-]+", "a host, domain or network", ".example.com"
        ),
    )
    problems = network.problems
    for name, (key, example) in {
        "ca_bundle": ("caBundle", "ca.pem"),
        "proxy_url": ("proxyUrl", "http://proxy.example.com:3128"),
    }.items():
        if name in problems:
            read.add_error(key, problems[name], example)
    if "no_proxy" in problems:
        read.add_unwanted("noProxy", problems["no_proxy"])
    return network


def _has_placeholders(command: str) -> bool:
    try:
        words = " ".join(shlex.split(command))
    except ValueError:  # an open quote
        return False
    return "{source}" in words and "{sarif}" in words
