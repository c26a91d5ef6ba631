import re
import shlex
from typing import Any

import certifi
import pulumi
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.buttons import OUTCOMES, TEAM_BUTTONS, TeamButton
from components.scan_project import Scanners, Vpc
from components.settings import (
    EMAIL,
    MAX_RECIPIENTS,
    MENTION,
    STACK,
    load,
)
from components.upload_gate import LOG_RETENTION_DAYS, UploadGateArgs
from domain.durations import UNITS
from tests.support.recording import PROGRAM, PROJECT, REGION, TOKEN, build, settings_with
from tests.support.thinning import first

DECLARED = {
    key: declaration
    for key, declaration in yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"].items()
    if not key.startswith("pulumi:")
}
CERTIFICATES = certifi.where()
PROXY = "http://proxy.example.com:3128"


def loaded(stack: str = "dev", **changed: Any) -> UploadGateArgs:
    return build(
        lambda: load(pulumi.Config(PROJECT), stack), stack, settings_with(stack, **changed)
    ).made


def problems(stack: str = "dev", **changed: Any) -> list[tuple[str, str]]:
    """The problems in the error, each with the command that fixes it."""
    with pytest.raises(pulumi.RunError) as raised:
        build(lambda: load(pulumi.Config(PROJECT), stack), "dev", settings_with(**changed))
    title, *lines = str(raised.value).splitlines()
    assert title == "Settings to fix:"
    assert len(lines) % 2 == 0
    return [
        (problem.removeprefix("  "), command.strip())
        for problem, command in zip(lines[::2], lines[1::2], strict=True)
    ]


def test_the_defaults_of_the_settings_are_those_of_the_component():
    required = {key for key, item in DECLARED.items() if "default" not in item}

    assert required == {"slackWorkspaceId", "slackChannelId", "sender", "recipients"}
    defaults = {key: item["default"] for key, item in DECLARED.items() if "default" in item}
    settings = loaded(
        **{**defaults, "sonarHostUrl": "https://sonar.example.com", "sonarToken": TOKEN}
    )
    assert settings.scanners.sonarqube
    assert settings == UploadGateArgs(
        slack_workspace_id=settings.slack_workspace_id,
        slack_channel_id=settings.slack_channel_id,
        sender=settings.sender,
        recipients=settings.recipients,
        scanners=settings.scanners,
        tags=settings.tags,
    )


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_files_of_both_environments_load(stack: str):
    settings = loaded(stack)

    assert settings.protect is (stack == "prod")
    assert settings.recipients[0] == "developers@example.com"
    assert settings.scanners.sonarqube
    assert settings.scanners.sonarqube.host_url == "https://sonarqube.example.com"


def test_every_declared_setting_is_read(monkeypatch):
    read: set[str] = set()

    class Watching(pulumi.Config):
        def _get(self, key: str, *rest: Any, **more: Any) -> str | None:
            read.add(key)
            return super()._get(key, *rest, **more)

    build(lambda: load(Watching(PROJECT), "dev"), "dev", settings_with())
    build(lambda: load(Watching(PROJECT), "dev"), "dev", settings_with(scanners=["bandit"]))

    assert read == {*DECLARED, "engine", "sarifCommand"}


def test_the_token_stays_a_secret():
    result: list[bool] = []

    def make() -> None:
        scanner = load(pulumi.Config(PROJECT), "dev").scanners.sonarqube
        assert scanner
        token = pulumi.Output.from_input(scanner.token)

        async def look() -> None:
            result.append(await token.is_secret())
            assert await token.future() == TOKEN

        pulumi.Output.from_input(look()).apply(lambda _: None)

    build(make, "dev", settings_with())

    assert result == [True]
    assert TOKEN not in str(loaded().build(REGION).variables)
    assert TOKEN not in repr(loaded())


def test_environments_share_sonarqube_projects_only_if_that_is_set():
    assert loaded("prod").build(REGION).variables["ENVIRONMENT"] == "prod"
    assert loaded("prod", sonarSharedProjects="true").build(REGION).variables["ENVIRONMENT"] == ""


def test_other_scanners_need_neither_server_nor_token_and_keep_none():
    for token in ("", TOKEN):
        settings = loaded(scanners=["bandit", "ruff"], sonarHostUrl="", sonarToken=token)
        assert settings.scanners == Scanners(names=("bandit", "ruff"))


def test_a_scan_gets_its_limits_and_its_scanner():
    limits = {
        "LIMITS": '{"BLOCKER": 0, "HIGH": 0, "MEDIUM": 5, "LOW": null}',
        "COVERAGE_LIMITS": '{"unanalysed": 0, "opaque": 3}',
        "UPLOAD_LIMITS": '{"files": 20000, "bytes": 2097152, "ratio": 200}',
        "ALLOW_EXCLUSIONS": "true",
        "SCAN_SECONDS": "1680",
    }
    settings = {"maxMedium": 5, "maxOpaque": 3, "maxUploadMegabytes": 2, "allowExclusions": "true"}
    server = {
        "sonarHostUrl": "https://sonar.example.com/",
        "sonarOrganization": "org",
    }

    assert loaded(**settings, **server).build(REGION).variables == {
        **limits,
        "SCANNERS": '["sonarqube"]',
        "SONAR_HOST_URL": "https://sonar.example.com",
        "SONAR_ORGANIZATION": "org",
        "ENVIRONMENT": "dev",
    }
    command = "tool {source} {sarif}"
    scanner = {"command": command, "folder": "samples"}
    custom = loaded(**settings, scanners=["custom", "ruff"], customScanner=scanner)
    assert custom.scanners.custom_folder == str(PROGRAM / "samples")
    assert custom.build(REGION).variables == {
        **limits,
        "SCANNERS": '["custom", "ruff"]',
        "CUSTOM_COMMAND": command,
    }


def test_a_build_may_use_a_proxy():
    network = loaded(
        proxyUrl=PROXY,
        noProxy=[".example.com", "10.0.0.0/8"],
    ).network

    assert network.proxy_url == PROXY
    assert network.no_proxy == (".example.com", "10.0.0.0/8")


def test_an_identity_of_a_domain_covers_its_subdomains():
    settings = loaded(sender="ci@Mail.Example.com", senderDomain="example.com")

    assert (settings.sender_domain, settings.create_email_identity) == ("example.com", True)


def test_the_domain_of_an_identity_that_is_not_created_does_nothing():
    assert problems(senderDomain="example.com", createEmailIdentity="false") == [
        (
            "senderDomain: no identity is created: createEmailIdentity is false",
            "pulumi config rm senderDomain --stack dev",
        )
    ]


def test_a_file_of_certificates_is_named_from_the_folder_of_the_program():
    assert loaded(caBundle=CERTIFICATES).network.ca_bundle == CERTIFICATES
    assert problems(caBundle="none.pem") == problems(caBundle=str(PROGRAM / "none.pem"))


@pytest.mark.parametrize("entry", ["*.example.com", "a,b", "ada@example.com", ""])
def test_what_is_reached_without_a_proxy_is_a_host_a_domain_or_a_network(entry: str):
    [(problem, command)] = problems(proxyUrl=PROXY, noProxy=[entry])

    assert problem == f"noProxy[0]: {entry!r} is not a host, domain or network"
    assert command.startswith(command_for("noProxy[0]"))


def test_hosts_without_a_proxy_do_nothing():
    assert problems(noProxy=["example.com"]) == [
        ("noProxy: does nothing without a proxy", "pulumi config rm noProxy --stack dev")
    ]


def test_a_vpc_has_an_id_subnets_and_security_groups():
    settings = loaded(
        vpcId="vpc-0a", vpcSubnets=["subnet-0a", "subnet-0b"], vpcSecurityGroups=["sg-0a"]
    )

    assert settings.vpc == Vpc(
        vpc_id="vpc-0a", subnets=("subnet-0a", "subnet-0b"), security_groups=("sg-0a",)
    )


def test_an_app_may_have_recipients_of_its_own():
    settings = loaded(appRecipients={"payments": ["a@example.com"], "my.app": ["b@example.com"]})

    assert settings.app_recipients == {
        "payments": ("a@example.com",),
        "my.app": ("b@example.com",),
    }


def test_uploaders_are_roles_by_app_or_by_the_beginning_of_its_name():
    settings = loaded(
        uploaders={"payments": [PRINCIPAL], "my.app": [PRINCIPAL], "team-*": [PRINCIPAL]}
    )

    assert settings.uploaders == {
        "payments": (PRINCIPAL,),
        "my.app": (PRINCIPAL,),
        "team-*": (PRINCIPAL,),
    }


def test_a_custom_button_has_a_label_outcomes_and_a_function():
    assert loaded(customActions=[TICKET, AGAIN]).custom_actions == (
        TeamButton(label="Open ticket", outcomes=("failed", "error"), function=FUNCTION),
        TeamButton(label="Scan again", outcomes=("error",), function="scan-again"),
    )
    assert loaded(customActions=[]).custom_actions == ()


def test_a_button_may_show_on_every_outcome():
    [button] = loaded(customActions=[{**TICKET, "outcomes": list(OUTCOMES)}]).custom_actions

    assert button.outcomes == OUTCOMES


@pytest.mark.parametrize(
    ("setting", "mode"), [("off", ""), ("governance", "GOVERNANCE"), ("compliance", "COMPLIANCE")]
)
def test_the_lock_mode_has_the_name_of_s3(setting: str, mode: str):
    assert loaded(evidenceLock=setting).lock_mode == mode


@pytest.mark.parametrize("who", ["here", "channel", "U0123456789", "W0123456789", "S0123456789"])
def test_a_mention_is_here_channel_a_member_or_a_group(who: str):
    assert loaded(escalationMention=who).escalation_mention == who


@given(st.text())
def test_a_mention_cannot_be_markup_of_its_own(text: str):
    if re.fullmatch(MENTION, text):
        assert text.isalnum()
        assert text.isascii()


def test_escalation_and_reminder_are_optional():
    settings = loaded(escalateBefore="0s", remindBefore="0s")

    assert (settings.escalate_seconds, settings.remind_seconds) == (0, 0)


PRINCIPAL = "arn:aws:iam::123456789012:role/deploy"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:open-ticket"
TOOL = {"command": "tool {source} {sarif}"}
TICKET = {"label": "Open ticket", "outcomes": ["failed", "error"], "function": FUNCTION}
AGAIN = {"label": "Scan again", "outcomes": ["error"], "function": "scan-again"}
ELSEWHERE = {
    "sns": "arn:aws:sns:us-east-1:123456789012:on-call",
    "lambda": "arn:aws:lambda:us-east-1:123456789012:function:open-ticket",
}
BUTTON = "customActions"
WRONG = [
    ("slackWorkspaceId", "C0000000000", "'C0000000000' is not a Slack workspace id"),
    ("slackWorkspaceId", None, "is missing"),
    ("slackChannelId", "#general", "'#general' is not a Slack channel id"),
    ("slackChannelId", "", "is missing"),
    ("sender", "security", "'security' is not an email address"),
    ("sender", "Security <security@example.com>", "is not an email address"),
    ("sender", None, "is missing"),
    ("senderDomain", "@example.com", "'@example.com' is not a domain"),
    ("senderDomain", "ample.com", "security@example.com is not an address of ample.com"),
    ("senderDomain", "mail.example.com", "security@example.com is not an address of mail."),
    ("createEmailIdentity", "maybe", "'maybe' is not true or false"),
    ("recipients[0]", [], "nobody would get the emails"),
    ("recipients[0]", None, "nobody would get the emails"),
    ("recipients[1]", ["a@example.com", "b"], "'b' is not an email address"),
    ("recipients[0]", [7], "7 is not an email address"),
    ("recipients[0]", "a@example.com", "'a@example.com' is not a list"),
    ("recipients[0]", {"a@example.com": 1}, "is not a list"),
    ("appRecipients.payments[0]", {"payments": []}, "nobody would get the emails"),
    ("appRecipients.payments[0]", ["a@example.com"], "does not map apps to lists"),
    ("people.U0123456789", ["a@example.com"], "does not map ids of users to texts"),
    ("people.U0ADA", {"U0ADA": "Ada Lovelace"}, "is not an address, the name of a session"),
    ("people.U0ADA", {"U0ADA": ["a@example.com"]}, "is not an address, the name of a session"),
    ("appRecipients.payments[1]", {"payments": ["a@b.cd", "x"]}, "'x' is not an email address"),
    ('appRecipients["my.app"][0]', {"my.app": ["x"]}, "'x' is not an email address"),
    ("uploaderDomains[0]", ["@example.com"], "'@example.com' is not a domain"),
    ("uploaderDomains[1]", ["example.com", "localhost"], "'localhost' is not a domain"),
    ("uploaderDomains[0]", "example.com", "'example.com' is not a list"),
    ("deployers[0]", ["arn:aws:iam::123456789012:role/*"], "is not the ARN of an IAM role or user"),
    ("deployers[0]", ["deploy"], "'deploy' is not the ARN of an IAM role or user"),
    ("uploaders.payments[0]", {"payments": []}, "nobody could upload"),
    ("uploaders.payments[0]", {"payments": [f'{PRINCIPAL}"b']}, "is not the ARN of an IAM"),
    ("uploaders.payments[0]", {"payments": [f"{PRINCIPAL}${{aws:username}}"]}, "is not the ARN"),
    ("uploaders.payments[0]", {"payments": [f"{PRINCIPAL}/"]}, "is not the ARN of an IAM"),
    ("uploaders.payments[0]", [PRINCIPAL], "does not map apps to lists"),
    ("uploaders.payments[1]", {"payments": [PRINCIPAL, "ci"]}, "'ci' is not the ARN of an IAM"),
    (
        'uploaders["team-*"][0]',
        {"team-*": ["arn:aws:iam::123456789012:root"]},
        "is not the ARN of an IAM role or user",
    ),
    ("failureEmails", "both", "'both' is not one of uploader, recipients, off"),
    ("scanners[1]", ["ruff", "lint"], "'lint' is not one of sonarqube, bandit"),
    ("scanners[0]", "[]", "nothing would be scanned"),
    ("scanners[0]", "bandit", "'bandit' is not a list"),
    ("customScanner.command", {"command": "tool {source}"}, "must be a command that names"),
    ("customScanner.command", {"command": ["tool"]}, "must be a command that names"),
    ("customScanner.command", "tool {source}", "does not map command to a text"),
    ("sonarHostUrl", "sonarqube.example.com", "is not a URL that begins with http"),
    ("sonarHostUrl", "", "is missing"),
    ("sonarHostUrl", "https://ada:secret@sonar.example.com", "has a user name or password"),
    ("sonarHostUrl", "https://sonar.example.com?token=x", "has a query or fragment"),
    ("sonarHostUrl", "https://sonar.example.com/#top", "has a query or fragment"),
    ("sonarHostUrl", "https://[sonar", "is not a URL"),
    ("sonarHostUrl", "https://sonar.example.com:port", "is not a URL"),
    ("sonarToken", "", "is missing; scanner sonarqube needs one"),
    ("proxyUrl", "proxy.example.com:3128", "is not a URL that begins with http"),
    ("proxyUrl", "http://ada:secret@proxy.example.com:3128", "has a user name or password"),
    ("caBundle", "no-such.pem", "can't be read: No such file or directory"),
    ("caBundle", "README.md", "is not a file of certificates in PEM"),
    ("sonarSharedProjects", "yes", "'yes' is not true or false"),
    ("allowExclusions", "yes", "'yes' is not true or false"),
    ("maxBlocker", "none", "'none' is not a whole number"),
    ("maxHigh", -2, "-2 is not between -1 and 1000000"),
    ("maxMedium", "1.5", "'1.5' is not a whole number"),
    ("maxLow", "", "'' is not a whole number"),
    ("maxUnanalysed", -2, "-2 is not between -1 and 1000000"),
    ("maxOpaque", -2, "-2 is not between -1 and 1000000"),
    ("maxUploadFiles", 0, "0 is not between 1 and 1000000"),
    ("maxUploadMegabytes", 50_001, "50001 is not between 1 and 50000"),
    ("maxUploadRatio", 1, "1 is not between 2 and 1100"),
    ("decisionWindow", "3 weeks", "'3 weeks' is not a duration"),
    ("decisionWindow", "91d", "91d is not between"),
    ("escalateBefore", "never", "'never' is not a duration"),
    ("escalateBefore", "91d", "91d is not between 0s and 90d"),
    ("escalationMention", "@here", "'@here' is not here, channel, or the id of a member"),
    ("escalationMention", "<!here>", "is not here, channel, or the id of a member"),
    ("escalationTopic", "on-call", "'on-call' is not the ARN of an SNS topic"),
    ("escalationTopic", FUNCTION, "is not the ARN of an SNS topic"),
    ("escalationTopic", ELSEWHERE["sns"], "is not in eu-central-1, as this stack is"),
    ("digestAfter", "many", "'many' is not a whole number"),
    ("digestAfter", 51, "51 is not between 0 and 50"),
    ("digestWindow", "30s", "30s is not between 1m and 1d"),
    ("exceptionPeriod", "", "'' is not a duration"),
    ("exceptionPeriod", "271d", "271d is not between"),
    ("maxExceptionPeriod", "", "'' is not a duration"),
    ("maxExceptionPeriod", "271d", "271d is not between"),
    ("maxExceptionPeriod", "10d", "is shorter than exceptionPeriod"),
    ("remindBefore", "3", "'3' is not a duration"),
    ("remindBefore", "271d", "271d is not between 0s and 270d"),
    (
        f"{BUTTON}[0].label",
        [{**TICKET, "label": ""}],
        "'' is not a label of 1 to 20 characters",
    ),
    (f"{BUTTON}[0].label", [{**TICKET, "label": "x" * 21}], "is not a label"),
    (
        f"{BUTTON}[1].label",
        [TICKET, {**TICKET, "label": "<!here>"}],
        "'<!here>' is not a label",
    ),
    (
        f"{BUTTON}[0].outcomes[0]",
        [{**TICKET, "outcomes": []}],
        "is missing; it is one of failed, error",
    ),
    (
        f"{BUTTON}[0].outcomes[1]",
        [{**TICKET, "outcomes": ["failed", "passed"]}],
        "'passed' is not",
    ),
    (
        f"{BUTTON}[0].outcomes[0]",
        [{**TICKET, "outcomes": [{"a": 1}]}],
        "{'a': 1} is not one of",
    ),
    (
        f"{BUTTON}[0].outcomes[1]",
        [{**AGAIN, "outcomes": ["error", "failed"]}],
        "not on failed",
    ),
    (f"{BUTTON}[0].outcomes[0]", [{**AGAIN, "outcomes": ["approved"]}], "not on approved"),
    (f"{BUTTON}[0].outcomes[0]", [{**AGAIN, "outcomes": ["expiring"]}], "not on expiring"),
    (
        f"{BUTTON}[0].function",
        [{**TICKET, "function": "open-ticket"}],
        "neither scan-again nor",
    ),
    (f"{BUTTON}[0].function", [{"label": "x", "outcomes": ["failed"]}], "None is neither"),
    (
        f"{BUTTON}[0].function",
        [{**TICKET, "function": FUNCTION + "*"}],
        "neither scan-again nor",
    ),
    (
        f"{BUTTON}[1].function",
        [TICKET, {**TICKET, "function": ELSEWHERE["lambda"]}],
        "is not in eu-central-1, as this stack is",
    ),
    ("buildTimeout", "4m", "4m is not between 5m and 36h"),
    ("queueTimeout", "9h", "9h is not between 5m and 8h"),
    ("architecture", "arm", "'arm' is not one of x86_64, arm64"),
    ("computeType", "BUILD_GENERAL2_SMALL", "is not one of auto, BUILD_GENERAL1_SMALL"),
    ("computeType", "BUILD_LAMBDA_3GB", "is not one of auto, BUILD_GENERAL1_SMALL"),
    ("vpcId", "main", "'main' is not the id of a VPC"),
    ("userRoleRequired", "1", "'1' is not true or false"),
    ("approvalCovers", "app", "'app' is not one of version, findings"),
    ("approvals", 3, "3 is not between 1 and 2"),
    ("selfApproval", "never", "'never' is not one of warn, allow, refuse"),
    ("recordApprover", "yes", "'yes' is not true or false"),
    ("logRetentionDays", "a while", "'a while' is not a whole number"),
    ("logRetentionDays", 31, "31 is none of the values that CloudWatch takes"),
    ("logRetentionDays", 0, "0 is none of the values that CloudWatch takes"),
    ("uploadRetentionDays", 0, "0 is not between 1 and 3650"),
    ("evidenceLock", "on", "'on' is not one of off, governance, compliance"),
    ("evidenceLockDays", 0, "0 is not between 1 and 36500"),
    ("protect", "on", "'on' is not true or false"),
]
VPC = {"vpcId": "vpc-0a", "vpcSubnets": ["subnet-0a"], "vpcSecurityGroups": ["sg-0a"]}


def name_of(key: str) -> str:
    """The setting that the path ``key`` belongs to."""
    return re.split(r"[.\[]", key)[0]


def at_path(value: Any, path: str, value_to_set: str, *, is_top: bool = True) -> Any:
    """The settings after ``pulumi config set --path``, which replaces only a setting by a list."""
    match = re.match(r'\[([0-9]+)\]|\["(.+?)"\]|\.([\w-]+)', path)
    if not match:
        return value_to_set
    rest, (place, quoted, key) = path[match.end() :], match.groups()
    if place is None:
        stored = value if isinstance(value, dict) else {}
        return {
            **stored,
            key or quoted: at_path(stored.get(key or quoted), rest, value_to_set, is_top=False),
        }
    assert not value or is_top or isinstance(value, list), "expected an array"
    stored, at = value if isinstance(value, list) else [], int(place)
    changed = at_path(stored[at] if at < len(stored) else None, rest, value_to_set, is_top=False)
    return [*stored[:at], changed, *stored[at + 1 :]]


def command_for(key: str) -> str:
    flags = "--path " if re.search(r"[.\[]", key) else "--secret " if key == "sonarToken" else ""
    return f"pulumi config set {flags}{shlex.quote(key)} "


@pytest.mark.parametrize(
    ("key", "value", "why"),
    first(WRONG, 30),
    ids=[f"{key}={value}"[:40] for key, value, _ in WRONG],
)
def test_a_wrong_setting_is_reported_with_the_error_and_the_command_that_fixes_it(
    key: str, value: Any, why: str
):
    reported = problems(**{**(VPC if key == "vpcId" else {}), name_of(key): value})

    assert len(reported) == 1
    problem, command = reported[0]
    assert problem.startswith(f"{key}: ")
    assert why in problem
    assert command.startswith(command_for(key))
    assert command.endswith(" --stack dev")


@pytest.mark.parametrize("setting", ["uploaders", "appRecipients"])
@pytest.mark.parametrize("value", [PRINCIPAL, {"a@example.com": 1}])
def test_an_apps_entry_that_is_no_list_is_removed_first(setting: str, value: Any):
    """The CLI answers ``expected an array`` to the command that would set its first part."""
    entry: dict[str, Any] = {setting: {"payments": value}}

    [(problem, command)] = problems(**entry)

    reason = f"{value!r} is not a list; remove it, and set {setting}.payments[0]"
    assert problem == f"{setting}.payments: {reason}"
    assert command == f"pulumi config rm --path {setting}.payments --stack dev"


def test_outcomes_that_are_no_list_are_removed_first():
    [(problem, command)] = problems(customActions=[{**TICKET, "outcomes": "failed"}])

    path = f"{BUTTON}[0].outcomes"
    assert problem == f"{path}: 'failed' is not a list; remove it, and set {path}[0]"
    assert command == f"pulumi config rm --path '{path}' --stack dev"


@pytest.mark.parametrize("key", [key for key, value, why in WRONG if "duration" in why])
def test_a_wrong_duration_is_fixed_by_its_default(key: str):
    [(_, command)] = problems(**{key: "soon"})

    assert command == f"pulumi config set {key} {DECLARED[key]['default']} --stack dev"


def test_the_fix_of_a_wrong_boolean_is_the_stricter_value():
    [(_, command)] = problems(allowExclusions="perhaps")

    assert command == "pulumi config set allowExclusions false --stack dev"


def test_the_command_for_the_token_prompts_for_it():
    [(_, command)] = problems(sonarToken="")

    assert command == "pulumi config set --secret sonarToken --stack dev"


@pytest.mark.parametrize("command", ["tool {source}", "tool {sarif}", "", "tool '{source} {sarif}"])
def test_the_custom_command_must_name_source_and_result(command: str):
    assert problems(scanners=["custom"], customScanner={"command": command}) == [
        (
            "customScanner.command: must be a command that names {source} and {sarif}",
            "pulumi config set --path customScanner.command 'tool {source} --output {sarif}' "
            "--stack dev",
        )
    ]


@pytest.mark.parametrize(
    ("needs", "why"),
    [
        (VPC, "can't run scans in a VPC"),
        ({"buildTimeout": "20m"}, "ends each scan after 15 minutes"),
    ],
)
def test_lambda_compute_is_refused_where_it_can_not_work(needs: dict[str, Any], why: str):
    changed: dict[str, Any] = {"scanners": ["bandit"], "computeType": "BUILD_LAMBDA_1GB", **needs}
    [(problem, command)] = problems(**changed)

    assert problem.startswith("computeType: BUILD_LAMBDA_1GB")
    assert why in problem
    assert command == "pulumi config set computeType auto --stack dev"


def test_scanner_custom_needs_a_command():
    [(problem, _)] = problems(scanners=["bandit", "custom"])

    assert problem == "customScanner.command: is missing; scanner custom needs one"


@pytest.mark.parametrize("former", ["engine", "sarifCommand"])
def test_a_former_setting_is_refused_with_what_replaces_it(former: str):
    [(problem, command)] = problems(**{former: "sarif"})

    assert problem.startswith(f"{former}: is not used any more; set scanners")
    assert command == f"pulumi config rm {former} --stack dev"


@pytest.mark.parametrize("key", VPC)
def test_the_missing_part_of_a_vpc_is_named(key: str):
    lacking = "vpcId" if key == "vpcId" else f"{key}[0]"
    [(problem, command)] = problems(**{**VPC, key: "" if key == "vpcId" else []})

    assert problem.startswith(f"{lacking}: is missing")
    assert command.startswith(command_for(lacking))


@pytest.mark.parametrize(
    ("key", "value"), [("vpcSubnets", ["main"]), ("vpcSecurityGroups", ["default"])]
)
def test_parts_of_a_vpc_are_ids(key: str, value: list[str]):
    [(problem, command)] = problems(**{**VPC, key: value})

    assert problem.startswith(f"{key}[0]: {value[0]!r} is not the id of a")
    assert command.startswith(command_for(f"{key}[0]"))


def test_every_setting_that_can_be_wrong_has_a_case():
    tried = {name_of(key) for key, *_ in WRONG} | {*VPC}
    tried |= {"noProxy"}

    assert set(DECLARED) - tried == {"sonarOrganization"}


def test_all_errors_are_named_at_once():
    reported = problems(
        sender="x", logRetentionDays=31, decisionWindow="soon", approvalCovers="none", protect="?"
    )

    named = {problem.split(":")[0] for problem, _ in reported}
    assert named == {"approvalCovers", "logRetentionDays", "sender", "decisionWindow", "protect"}


# The suggested file is the reader's own, and so not here.
FIXABLE = [(key, value) for key, value, _ in WRONG if key != "caBundle"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"), FIXABLE, ids=[f"{key}={value}"[:40] for key, value in FIXABLE]
)
def test_the_suggested_command_fixes_the_error(key: str, value: Any):
    """Apply it as the CLI would, and load the settings again."""
    name = name_of(key)
    [(_, command)] = problems(**{**(VPC if name == "vpcId" else {}), name: value})
    words = shlex.split(command)
    value_to_set = words[words.index(key) + 1]

    fixed = at_path(value, key.removeprefix(name), value_to_set)
    loaded(**{**(VPC if name == "vpcId" else {}), name: fixed})


MANY = {f"app-{number}": ["developers@example.com"] for number in range(MAX_RECIPIENTS // 30)}


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (
            f"{BUTTON}[0].color",
            [{**TICKET, "color": "red"}],
            "has label, outcomes and function",
        ),
        (f"customActions[{TEAM_BUTTONS}]", [TICKET] * (TEAM_BUTTONS + 1), "at most 5"),
        ("scanners[1]", ["bandit", "bandit"], "'bandit' is in it already"),
        ("customScanner.comand", {"comand": "tool"}, "there is no such part"),
        ("customScanner.folder", {**TOOL, "folder": "none"}, "there is no folder"),
        ('appRecipients[""]', {"": ["a@example.com"]}, "no app has such a name"),
        ('appRecipients["a/b"]', {"a/b": ["a@example.com"]}, "no app has such a name"),
        ('people["a b"]', {"a b": "a@example.com"}, "the chat service has no such user"),
        ("people", {f"U0{n}": "ada@example.com" for n in range(40)}, "over 1000 characters"),
        ("appRecipients", MANY, "over 2000 characters"),
        ('uploaders["*-api"]', {"*-api": [PRINCIPAL]}, "no app has such a name"),
        ('uploaders["a/b"]', {"a/b": [PRINCIPAL]}, "no app has such a name"),
        (
            "uploaders",
            {f"app-{n}": [f"{PRINCIPAL}-{n}"] for n in range(60)},
            "the policy of the upload bucket would have",
        ),
        (
            "deployers",
            [f"{PRINCIPAL}-{n}" for n in range(500)],
            "the policy of the upload bucket would have",
        ),
    ],
    ids=[
        "part of a button",
        "button",
        "scanner",
        "part of a scanner",
        "folder of a scanner",
        "empty app",
        "app with a slash",
        "user with a space",
        "too many people",
        "too many recipients",
        "no pattern",
        "uploaders of an app with a slash",
        "too many uploaders",
        "too many deployers",
    ],
)
def test_an_unknown_setting_is_reported_with_the_command_that_removes_it(
    key: str, value: Any, why: str
):
    [(problem, command)] = problems(**{name_of(key): value})

    assert problem.startswith(f"{key}: ")
    assert why in problem
    path = "--path " if key != name_of(key) else ""
    assert command == f"pulumi config rm {path}{shlex.quote(key)} --stack dev"


@pytest.mark.parametrize("value", ["scan-again", {"label": "x"}, ["scan-again"], [None]])
def test_all_missing_fields_of_a_button_are_reported_at_once(value: Any):
    assert [problem.split(":")[0] for problem, _ in problems(customActions=value)] == [
        f"{BUTTON}[0].label",
        f"{BUTTON}[0].function",
        f"{BUTTON}[0].outcomes[0]",
    ]


@pytest.mark.parametrize("needs", [{"selfApproval": "refuse"}, {"approvals": 2}])
def test_who_clicked_must_be_recorded_where_it_decides(needs: dict[str, Any]):
    [(problem, command)] = problems(**needs)

    assert problem.startswith("recordApprover: is needed by selfApproval refuse and approvals 2")
    assert command == "pulumi config set recordApprover true --stack dev"
    assert loaded(**needs, recordApprover=True).record_approver


def test_people_are_mapped_to_what_they_upload_as():
    people = {"U0ADA": "ada@example.com", "U0CI": "AIDAEXAMPLE", "W0BEN": "ben.session"}

    assert loaded(people=people).people == people


def test_the_token_is_never_in_an_error():
    assert TOKEN not in str(problems(sonarHostUrl="x", engine="sonarqube"))


@pytest.mark.parametrize(
    "url",
    ["https://ada:hunter2@sonar.example.com", "hunter2@sonar.example.com", "https://[hunter2"],
)
def test_a_password_in_a_url_is_never_in_the_error(url: str):
    assert "hunter2" not in str(problems(sonarHostUrl=url))


@given(st.integers(0, 10**6), st.sampled_from("smhd"))
def test_a_duration_is_its_number_of_seconds_or_refused(number: int, unit: str):
    seconds = number * UNITS[unit]
    value = f"{number}{unit}"
    if 60 <= seconds <= 90 * 86400:
        assert loaded(decisionWindow=value).decision_seconds == seconds
    elif seconds > 90 * 86400 or seconds == 0:
        [(problem, _)] = problems(decisionWindow=value)
        assert problem.startswith(f"decisionWindow: {value} is not between")


@given(st.emails())
def test_every_plain_address_is_accepted(address: str):
    assert EMAIL.fullmatch(address)


@given(st.text())
def test_an_address_is_one_word_with_one_at_and_a_dotted_domain(text: str):
    if EMAIL.fullmatch(text):
        name, domain = text.split("@")
        assert name
        assert "." in domain.strip(".")
        assert not re.search(r"[\s<>\"]", text)


@given(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True) | st.text(max_size=20))
def test_a_stack_is_at_most_16_lower_case_letters_digits_and_single_hyphens(stack: str):
    good = (
        0 < len(stack) <= 16
        and set(stack) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        and "--" not in stack
        and stack.strip("-") == stack
    )

    assert bool(STACK.fullmatch(stack)) == good


@pytest.mark.parametrize("stack", ["Prod", "a" * 17, "a-b-c-d-e-f-g-h-i", "-dev", "dev-", "a--b"])
def test_an_invalid_stack_name_is_refused(stack: str):
    [(problem, command)] = problems(stack)

    assert f"{stack!r} goes into names of buckets and functions" in problem
    assert command == "pulumi stack rename dev"


@pytest.mark.parametrize("days", LOG_RETENTION_DAYS)
def test_every_retention_of_cloudwatch_is_accepted(days: int):
    assert loaded(logRetentionDays=days).log_retention_days == days


@pytest.mark.parametrize(("days", "stored"), [(120, 120), (1, 64)], ids=["longer", "shorter"])
def test_a_replaced_version_is_stored_while_it_may_still_be_approved(days: int, stored: int):
    values_ = {
        "uploadRetentionDays": days,
        "decisionWindow": "72h",
        "exceptionPeriod": "30d",
        # A person may set this many days, whatever the default period is.
        "maxExceptionPeriod": "60d",
    }

    assert loaded(**values_).replaced_upload_days == stored


@pytest.mark.parametrize(
    "address",
    ["a..b@example.com", ".a@example.com", "a@-x.example.com", "a b@example.com", "ä@x.de"],
)
def test_an_address_that_ses_would_refuse_is_named(address):
    with pytest.raises(pulumi.RunError, match="is not an email address"):
        loaded(recipients=[address])


def test_an_email_has_room_for_the_uploader_where_one_may_be_added():
    everybody = [f"dev{number}@example.com" for number in range(50)]
    domains = ["example.com"]

    assert len(loaded(recipients=everybody[:49], uploaderDomains=domains).recipients) == 49
    [(problem, fix)] = problems(recipients=everybody, uploaderDomains=domains)
    assert "SES takes 50 addresses in one mail, one of them the uploader's" in problem
    assert fix == "pulumi config rm --path 'recipients[49]' --stack dev"


def test_an_address_that_is_named_twice_counts_once():
    everybody = [f"dev{number}@example.com" for number in range(50)]

    assert loaded(recipients=[*everybody, "Dev0@Example.COM"])


def test_more_addresses_than_an_email_can_have_are_refused():
    everybody = [f"dev{number}@example.com" for number in range(51)]

    assert len(loaded(recipients=everybody[:50]).recipients) == 50
    with pytest.raises(pulumi.RunError, match="SES takes 50 addresses in one mail"):
        loaded(recipients=everybody)
    with pytest.raises(pulumi.RunError, match="SES takes 50 addresses in one mail"):
        loaded(appRecipients={"payments": everybody})
