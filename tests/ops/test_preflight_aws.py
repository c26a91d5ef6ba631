"""Each check of the account, passing and failing, with how to fix it."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.scan_project import Vpc
from ops.preflight import account, mail, network, principals, slack, uploads
from ops.preflight.environment import CHAT_REGION, Environment
from ops.preflight.finding import Check, Finding, Level
from ops.preflight.running import run
from ops.program import ACCOUNT, REGION
from tests.support.aws_answers import CALLER, Answers, its, recorded

CHANNEL = "C0000000000"
CONFIGURATION = (
    f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/chatops-slack-dev-gate"
)
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/ci/deploy"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterable[Answers]:
    answers = Answers(monkeypatch)
    yield answers
    answers.all_given()


def only(findings: Iterable[Finding]) -> Finding:
    [results] = findings
    assert (results.level == Level.FINE) == (not results.fix)
    return results


def assert_found(findings: Iterable[Finding], level: Level, what: str, fix: str = "") -> None:
    results = only(findings)
    assert results.level == level, results
    assert what in results.what
    assert fix in results.fix


# Slack


def workspaces(aws: Answers, *teams: dict[str, str]) -> None:
    aws.give("chatbot", "describe_slack_workspaces", {"SlackWorkspaces": list(teams)}, CHAT_REGION)


TEAM = {"SlackTeamId": "T0000000000", "SlackTeamName": "acme"}


def test_a_workspace_that_was_authorised_is_fine(aws: Answers):
    workspaces(aws, TEAM)

    assert_found(slack.workspace(its()), Level.FINE, "workspace acme (T0000000000) is authorised")


def test_a_workspace_that_nobody_authorised_fails_and_the_others_are_named(aws: Answers):
    workspaces(aws, {**TEAM, "SlackTeamId": "T9999999999"})

    assert_found(
        slack.workspace(its()),
        Level.FAILED,
        "authorised are T9999999999 (acme)",
        "allow; or pulumi",
    )


def test_a_workspace_on_the_second_page_is_found(aws: Answers):
    first = {"SlackWorkspaces": [], "NextToken": "more"}
    aws.give("chatbot", "describe_slack_workspaces", first, CHAT_REGION)
    aws.give(
        "chatbot",
        "describe_slack_workspaces",
        {"SlackWorkspaces": [TEAM]},
        CHAT_REGION,
        NextToken="more",
    )

    assert only(slack.workspace(its())).level == Level.FINE


def test_a_workspace_that_the_organisation_forbids_fails(aws: Answers):
    workspaces(aws, {**TEAM, "State": "DISABLED", "StateReason": "denied by policy"})

    assert_found(slack.workspace(its()), Level.FAILED, "denied by policy", "organisation")


def configurations(aws: Answers, *rows: dict[str, Any]) -> None:
    aws.give(
        "chatbot",
        "describe_slack_channel_configurations",
        {"SlackChannelConfigurations": list(rows)},
        CHAT_REGION,
    )


def configuration(name: str = "chatops-slack-dev-gate", **more: str) -> dict[str, Any]:
    return {
        "SlackTeamName": "acme",
        "SlackTeamId": "T0000000000",
        "SlackChannelId": CHANNEL,
        "SlackChannelName": "releases",
        "ChatConfigurationArn": CONFIGURATION,
        "IamRoleArn": "arn:aws:iam::123456789012:role/channel",
        "SnsTopicArns": [],
        "ConfigurationName": name,
        **more,
    }


@pytest.mark.parametrize(
    ("deployed", "rows", "level", "what", "fix"),
    [
        (False, [], Level.FINE, f"channel {CHANNEL} is free", ""),
        (True, [configuration()], Level.FINE, f"channel {CHANNEL} is configured", ""),
        (True, [], Level.FAILED, "configuration chatops-slack-dev-gate is gone", "target-replace"),
        (
            False,
            [configuration()],
            Level.FAILED,
            "this stack has not made it",
            f"--region us-east-2 --chat-configuration-arn {CONFIGURATION}",
        ),
        (
            False,
            [configuration("other")],
            Level.FAILED,
            f"channel {CHANNEL} belongs to configuration other",
            "pulumi config set slackChannelId",
        ),
        (
            True,
            [configuration(State="DISABLED", StateReason="denied")],
            Level.FAILED,
            "is disabled: denied",
            "organisation",
        ),
    ],
    ids=["free", "ours", "gone", "left behind", "another's", "disabled"],
)
def test_the_channel_is_free_before_and_ours_after(
    aws: Answers, deployed: bool, rows: list[Any], level: Level, what: str, fix: str
):
    configurations(aws, *rows)
    configurations(aws, *rows)

    assert_found(slack.channel(its(deployed=deployed)), level, what, fix)


def action(verb: str) -> str:
    return f"arn:aws:chatbot::{ACCOUNT}:custom-action/chatops-slack-dev-gate-{verb}"


@cache
def verbs() -> list[str]:
    """The program's buttons."""
    names = [item["ActionName"] for item in its().desired(slack.ACTION)]
    return [name.removeprefix("chatops-slack-dev-gate-") for name in names]


def actions(aws: Answers, *names: str) -> None:
    arns = [action(name) for name in names]
    aws.give("chatbot", "list_custom_actions", {"CustomActions": arns}, CHAT_REGION)


def test_names_of_buttons_that_are_free_are_fine(aws: Answers):
    actions(aws, "of-another-stack")

    assert_found(slack.buttons(its()), Level.FINE, f"the names of {len(verbs())} buttons are free")


def test_a_button_that_another_state_made_fails(aws: Answers):
    actions(aws, "approve")

    assert_found(
        slack.buttons(its()),
        Level.FAILED,
        "a custom action chatops-slack-dev-gate-approve exists",
        f"delete-custom-action --region us-east-2 --custom-action-arn {action('approve')}",
    )


@pytest.mark.parametrize("listed", [True, False])
def test_after_up_the_channel_must_list_every_button(aws: Answers, listed: bool):
    actions(aws, *verbs())
    configurations(aws, configuration())
    aws.give(
        "chatbot",
        "list_associations",
        {"Associations": [{"Resource": action(verb)} for verb in verbs()[0 if listed else 1 :]]},
        CHAT_REGION,
        ChatConfiguration=CONFIGURATION,
    )

    expected = (
        (Level.FINE, f"the channel lists all {len(verbs())} buttons", "")
        if listed
        else (Level.FAILED, f"does not list chatops-slack-dev-gate-{verbs()[0]}", "target-replace")
    )
    assert_found(slack.buttons(its(deployed=True)), *expected)


def test_a_button_that_somebody_attached_is_a_warning_with_the_command_that_detaches_it(
    aws: Answers,
):
    actions(aws, *verbs())
    configurations(aws, configuration())
    attached = [*verbs(), "of-somebody"]
    aws.give(
        "chatbot",
        "list_associations",
        {"Associations": [{"Resource": action(verb)} for verb in attached]},
        CHAT_REGION,
        ChatConfiguration=CONFIGURATION,
    )

    complete, extra = slack.buttons(its(deployed=True))
    assert complete.level == Level.FINE
    assert extra.level == Level.WARNING
    assert action("of-somebody") in extra.what
    assert (
        f"disassociate-from-configuration --region us-east-2 --resource {action('of-somebody')}"
        in (extra.fix)
    )


def test_buttons_within_the_services_limits_are_fine_and_others_fail(
    monkeypatch: pytest.MonkeyPatch,
):
    assert only(slack.limits(its())).level == Level.FINE

    monkeypatch.setitem(slack.MOST, "CommandText", 10)

    findings = list(slack.limits(its()))
    assert len(findings) == len(verbs())
    assert all("CommandText is" in finding.what for finding in findings)


# Email


def identity(aws: Answers, verified: bool | None) -> None:
    if verified is None:
        aws.refuse("sesv2", "get_email_identity", "NotFoundException")
    else:
        aws.give("sesv2", "get_email_identity", {"VerifiedForSendingStatus": verified})


@pytest.mark.parametrize(
    ("deployed", "creates", "address", "domain", "level", "what", "fix"),
    [
        (False, True, None, None, Level.FINE, "will be made by `pulumi up`", ""),
        (False, True, True, None, Level.FAILED, "knows security@", "createEmailIdentity false"),
        (False, False, None, True, Level.FINE, "is verified", ""),
        (False, False, None, None, Level.FAILED, "not verified", "create-email-identity"),
        (True, True, False, None, Level.FAILED, "not verified", "click the link"),
        (True, True, True, None, Level.FINE, "is verified", ""),
    ],
    ids=["to be made", "made elsewhere", "by domain", "by nobody", "link not clicked", "clicked"],
)
def test_the_sender_is_verified_or_will_be(
    aws: Answers,
    deployed: bool,
    creates: bool,
    address: bool | None,
    domain: bool | None,
    level: Level,
    what: str,
    fix: str,
):
    identity(aws, address)
    identity(aws, domain)

    findings = mail.sender(its(deployed=deployed, create_email_identity=creates))

    assert_found(findings, level, what, fix)


def test_an_identity_of_a_domain_above_sends_for_its_subdomains(aws: Answers):
    for verified in (None, None, True):
        identity(aws, verified)

    assert_found(
        mail.sender(its(sender="ci@mail.example.com", create_email_identity=False)),
        Level.FINE,
        "ci@mail.example.com is verified by example.com",
    )


@pytest.mark.parametrize(
    ("deployed", "domain", "level", "what", "fix"),
    [
        (False, None, Level.FINE, "example.com will be made by `pulumi up`", ""),
        (False, True, Level.FAILED, "SES knows example.com already", "rm senderDomain"),
        (True, False, Level.FAILED, "has not found its DNS records", "output senderDnsRecords"),
        (True, True, Level.FINE, "is verified by example.com", ""),
    ],
    ids=["to be made", "made elsewhere", "records missing", "verified"],
)
def test_the_domain_of_the_sender_is_verified_or_will_be(
    aws: Answers, deployed: bool, domain: bool | None, level: Level, what: str, fix: str
):
    identity(aws, None)
    identity(aws, domain)

    findings = mail.sender(its(deployed=deployed, sender_domain="example.com"))
    assert_found(findings, level, what, fix)


SIGNED = {"DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS"}}
OFF = {"DkimAttributes": {"SigningEnabled": False, "Status": "SUCCESS"}}
PENDING = {"DkimAttributes": {"SigningEnabled": True, "Status": "PENDING"}}
NO_DKIM = {"DkimAttributes": {"SigningEnabled": False, "Status": "NOT_STARTED"}}
OWN_BOUNCES = {
    "MailFromAttributes": {
        "MailFromDomain": "bounces.example.com",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
    }
}


@pytest.mark.parametrize(
    ("identities", "records", "level", "what", "why"),
    [
        ((None, SIGNED, None), {}, Level.FINE, "signed for mail.example.com (DKIM)", ""),
        ((NO_DKIM, None, SIGNED), {}, Level.FINE, "signed for example.com (DKIM)", ""),
        ((NO_DKIM, None, None), {}, Level.WARNING, "not signed", "distrust"),
        ((NO_DKIM, None, None), {"": "p=none"}, Level.WARNING, "not signed", "distrust"),
        ((NO_DKIM, None, None), {"": "p=reject"}, Level.FAILED, "not signed", "p=reject"),
        ((NO_DKIM, None, None), {"mail.": "p=quarantine"}, Level.FAILED, "not", "p=quarantine"),
        ((NO_DKIM, None, None), {"": "p=reject; sp=none"}, Level.WARNING, "not", "distrust"),
        ((NO_DKIM, None, None), {"": "p=none; sp=reject"}, Level.FAILED, "not", "p=reject"),
        ((OFF, SIGNED, None), {"": "p=reject"}, Level.FAILED, "not signed", "p=reject"),
        ((None, PENDING, None), {"": "p=reject"}, Level.FAILED, "not signed", "p=reject"),
        ((NO_DKIM | OWN_BOUNCES, None, None), {"": "p=reject"}, Level.FINE, "(SPF)", ""),
        ((NO_DKIM | OWN_BOUNCES, None, None), {"": "p=reject; aspf=s"}, Level.FAILED, "not", "re"),
        (
            (None, None, SIGNED),
            {"": "p=reject; adkim=s"},
            Level.FAILED,
            "signed for example.com, not for mail.example.com",
            "p=reject",
        ),
        ((NO_DKIM, None, None), None, Level.WARNING, "not", "dig +short TXT _dmarc.mail.example."),
    ],
)
def test_emails_pass_dmarc_where_they_are_signed_for_the_domain_of_the_sender(
    aws: Answers,
    monkeypatch: pytest.MonkeyPatch,
    identities: tuple[dict[str, Any] | None, ...],
    records: dict[str, str] | None,
    level: Level,
    what: str,
    why: str,
):
    """``records`` are DMARC's, by the part before ``example.com``; None where there is no DNS."""
    for answer in identities:
        if answer is None:
            aws.refuse("sesv2", "get_email_identity", "NotFoundException")
        else:
            aws.give("sesv2", "get_email_identity", answer)
    published = {
        f"_dmarc.{name}example.com": f"v=DMARC1; {text}" for name, text in (records or {}).items()
    }

    def texts(name: str) -> list[str] | None:
        if records is None:
            return None
        return ["v=spf1 -all", *(published[key] for key in published if key == name)]

    monkeypatch.setattr(mail, "_texts", texts)
    finding = only(mail.authentication(its(sender="ci@mail.example.com")))

    assert (finding.level, what in finding.what, why in finding.why) == (level, True, True)
    assert ("senderDomain mail.example.com" in finding.fix) == (level != Level.FINE)
    assert ("senderDnsRecords --stack dev" in finding.fix) == (level != Level.FINE)


@pytest.mark.parametrize(
    ("script", "records"),
    [
        ('echo \'"v=DMARC1; p=rej" "ect"\'', ["v=DMARC1; p=reject"]),
        ("true", []),
        ("exit 9", None),
        (None, None),
    ],
    ids=["a long record", "none", "no DNS", "no dig"],
)
def test_the_records_are_those_that_dig_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, records: list[str] | None
):
    if script:
        (tmp_path / "dig").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "dig").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert mail._texts("_dmarc.example.com") == records


def test_out_of_the_sandbox_everybody_is_reached(aws: Answers):
    aws.give("sesv2", "get_account", {"ProductionAccessEnabled": True, "SendingEnabled": True})

    assert only(mail.recipients(its())).level == Level.FINE


def test_in_the_sandbox_an_unverified_recipient_fails(aws: Answers):
    aws.give("sesv2", "get_account", {"ProductionAccessEnabled": False, "SendingEnabled": True})
    identity(aws, False)
    identity(aws, None)

    assert_found(
        mail.recipients(its()),
        Level.FAILED,
        "developers@example.com is not verified",
        "create-email-identity --email-identity developers@example.com",
    )


def test_in_the_sandbox_the_recipients_of_single_apps_count_too(aws: Answers):
    aws.give("sesv2", "get_account", {"ProductionAccessEnabled": False})
    for verified in (True, None, False, None):
        identity(aws, verified)

    findings = mail.recipients(its(app_recipients={"payments": ("payments@example.com",)}))

    assert_found(findings, Level.FAILED, "payments@example.com is not verified")


def test_in_the_sandbox_verified_recipients_are_a_warning(aws: Answers):
    aws.give("sesv2", "get_account", {"ProductionAccessEnabled": False})
    identity(aws, True)
    identity(aws, None)

    assert_found(mail.recipients(its()), Level.WARNING, "sandbox; all recipients are verified")


@pytest.mark.parametrize(
    ("status", "state"), [({"EnforcementStatus": "SHUTDOWN"}, "SHUTDOWN"), ({}, "unknown")]
)
def test_an_account_that_ses_has_stopped_fails(aws: Answers, status: dict[str, str], state: str):
    account = {"ProductionAccessEnabled": True, "SendingEnabled": False}
    aws.give("sesv2", "get_account", {**account, **status})

    first, _ = mail.recipients(its())
    assert (first.level, first.why) == (Level.FAILED, f"its state is {state}")


# Account


@pytest.mark.parametrize(
    ("most", "level"), [(0, Level.FAILED), (1, Level.WARNING), (20, Level.FINE)]
)
@pytest.mark.parametrize(
    ("architecture", "compute", "kind"),
    [
        ("x86_64", "BUILD_GENERAL1_MEDIUM", "Linux/Medium"),
        ("arm64", "BUILD_GENERAL1_2XLARGE", "ARM/2XLarge"),
        ("x86_64", "BUILD_LAMBDA_4GB", "Linux Lambda/4GB"),
        ("arm64", "BUILD_LAMBDA_10GB", "ARM Lambda/10GB"),
    ],
)
def test_the_quota_of_builds_is_that_of_the_settings(
    aws: Answers, most: int, level: Level, architecture: str, compute: str, kind: str
):
    quotas = [
        {"QuotaName": "Build projects", "QuotaCode": "L-1", "Value": 5000.0},
        {
            "QuotaName": f"Concurrently running builds for {kind} environment",
            "QuotaCode": "L-2",
            "Value": float(most),
        },
    ]
    aws.give("service-quotas", "list_service_quotas", {"Quotas": quotas}, ServiceCode="codebuild")

    findings = account.builds(its(architecture=architecture, compute_type=compute))

    assert_found(findings, level, kind, "" if level == Level.FINE else "--quota-code L-2")


def test_a_quota_that_is_named_otherwise_is_unknown(aws: Answers):
    aws.give("service-quotas", "list_service_quotas", {"Quotas": []})

    assert_found(account.builds(its()), Level.UNKNOWN, "no quota is that of", "list-service-quotas")


@pytest.mark.parametrize(("free", "level"), [(10, Level.WARNING), (1000, Level.FINE)])
def test_few_functions_at_once_are_a_warning(aws: Answers, free: int, level: Level):
    limit = {"AccountLimit": {"UnreservedConcurrentExecutions": free}}
    aws.give("lambda", "get_account_settings", limit)

    assert_found(account.calls(its()), level, f"{free} Lambda functions")


@pytest.mark.parametrize(("used", "level"), [(999, Level.FAILED), (10, Level.FINE)])
def test_there_must_be_room_for_the_roles(aws: Answers, used: int, level: Level):
    room = {"Roles": used, "RolesQuota": 1000, "Policies": 0, "PoliciesQuota": 1500}
    aws.give("iam", "get_account_summary", {"SummaryMap": room})

    assert only(account.roles(its())).level == level


def test_after_up_the_roles_exist(aws: Answers):
    assert only(account.roles(its(deployed=True))).level == Level.FINE


@pytest.mark.parametrize("left", [True, False])
def test_what_an_earlier_stack_left_behind_is_a_warning(aws: Answers, left: bool):
    rows = [{"ResourceARN": "arn:aws:sns:eu-central-1:1:chatops-slack-dev-gate-x"}] if left else []
    aws.give("resourcegroupstaggingapi", "get_resources", {"ResourceTagMappingList": rows})

    assert_found(
        account.remains(its()),
        Level.WARNING if left else Level.FINE,
        "1 thing with the tags" if left else "nothing of a stack dev",
    )


def test_what_is_left_behind_may_come_on_the_second_page(aws: Answers):
    for token, rows in (("more", []), ("", [{"ResourceARN": "arn:aws:sns:eu-central-1:1:x"}])):
        aws.give(
            "resourcegroupstaggingapi",
            "get_resources",
            {"PaginationToken": token, "ResourceTagMappingList": rows},
        )

    assert only(account.remains(its())).level == Level.WARNING


@pytest.mark.parametrize(
    ("tags", "level"),
    [(None, Level.FINE), ({"managed-by": "pulumi"}, Level.FINE), ({}, Level.FAILED)],
    ids=["absent", "ours", "the service's"],
)
def test_the_audit_log_must_not_be_there_already(
    aws: Answers, tags: dict[str, str] | None, level: Level
):
    name = "/aws/chatbot/chatops-slack-dev-gate"
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    groups = [{"logGroupName": f"{name}-2", "arn": f"{arn}-2:*"}]
    if tags is not None:
        groups.append({"logGroupName": name, "arn": f"{arn}:*"})
    aws.give("logs", "describe_log_groups", {"logGroups": groups}, "us-east-1")
    if tags is not None:
        aws.give("logs", "list_tags_for_resource", {"tags": tags}, "us-east-1", resourceArn=arn)

    fix = f"delete-log-group --log-group-name {name}" if level == Level.FAILED else ""
    assert_found(account.audit_log(its(record_approver=True)), level, name, fix)


def test_without_record_approver_nobody_asks_for_the_audit_log(aws: Answers):
    assert list(account.audit_log(its())) == []


def a_role(arn: str) -> dict[str, Any]:
    return {
        "Role": {
            "Arn": arn,
            "Path": "/ci/",
            "RoleName": arn.rsplit("/", maxsplit=1)[-1],
            "RoleId": "AROA0123456789ABCDEF",
            "CreateDate": "2026-01-01T00:00:00Z",
        }
    }


def simulated(decisions: dict[str, str]) -> dict[str, Any]:
    return {
        "EvaluationResults": [
            {"EvalActionName": name, "EvalDecision": decision}
            for name, decision in decisions.items()
        ]
    }


@pytest.mark.parametrize("may", [True, False])
def test_the_caller_must_be_allowed_what_the_program_does(aws: Answers, may: bool):
    aws.give("iam", "get_role", a_role(DEPLOYER), RoleName="deploy")
    count = len(account.statements("dev", recorded(), ACCOUNT, REGION))
    for place in range(count):
        refused = not may and place == 0
        aws.give(
            "iam",
            "simulate_principal_policy",
            simulated(
                {"sns:CreateTopic": "allowed", "iam:PassRole": "implicitDeny"}
                if refused
                else {"sns:CreateTopic": "allowed"}
            ),
        )

    assert_found(
        account.rights(its()),
        Level.FINE if may else Level.FAILED,
        "role/ci/deploy may do all" if may else "role/ci/deploy may not iam:PassRole",
        "" if may else "python -m ops rights --stack dev",
    )


def test_the_simulator_is_asked_what_a_real_request_would_bring():
    statement = {
        "Action": ["iam:PassRole"],
        "Resource": ["arn:aws:iam::1:role/chatops-slack-dev-gate-*"],
        "Condition": {"StringEquals": {"iam:PassedToService": ["a", "b"], "aws:RequestTag/x": "y"}},
    }

    assert account._concrete(statement["Resource"][0]).endswith(
        "role/chatops-slack-dev-gate-preflight"
    )
    assert account._context(statement) == [
        {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": ["a"],
            "ContextKeyType": "string",
        },
        {
            "ContextKeyName": "aws:RequestTag/x",
            "ContextKeyValues": ["y"],
            "ContextKeyType": "string",
        },
    ]


def test_the_root_user_is_a_warning_and_a_role_is_not():
    root = replace(its(), identity=replace(CALLER, arn=f"arn:aws:iam::{ACCOUNT}:root"))

    assert only(account.credentials(root)).level == Level.WARNING
    assert only(account.rights(root)).level == Level.FINE
    assert only(account.credentials(its())).level == Level.FINE


WANTED = Vpc(vpc_id="vpc-0a", subnets=["subnet-0a"], security_groups=["sg-0a"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subnets", "level", "what"),
    [
        ([{"SubnetId": "subnet-0a", "VpcId": "vpc-0a"}], Level.FINE, "are in vpc-0a"),
        ([{"SubnetId": "subnet-0a", "VpcId": "vpc-0b"}], Level.FAILED, "subnet-0a is in vpc-0b"),
        ([], Level.FAILED, "subnet-0a does not exist"),
    ],
)
def test_subnets_and_groups_must_be_in_the_vpc(
    aws: Answers, subnets: list[dict[str, str]], level: Level, what: str
):
    aws.give("ec2", "describe_subnets", {"Subnets": subnets})
    groups = {"SecurityGroups": [{"GroupId": "sg-0a", "VpcId": "vpc-0a"}]}
    aws.give("ec2", "describe_security_groups", groups)

    assert_found(network.vpc(its(vpc=WANTED)), level, what)


def test_without_a_vpc_nobody_asks_for_one(aws: Answers):
    assert list(network.vpc(its())) == []


TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:on-call"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:open-ticket"


@pytest.mark.parametrize(
    ("topic", "function", "what"),
    [
        (True, True, "exist"),
        (False, True, f"{TOPIC} does not exist"),
        (True, False, f"{FUNCTION} does not exist"),
    ],
)
def test_what_settings_only_name_must_exist(aws: Answers, topic: bool, function: bool, what: str):
    if topic:
        aws.give("sns", "get_topic_attributes", {}, "eu-west-1", TopicArn=TOPIC)
    else:
        aws.refuse("sns", "get_topic_attributes", "NotFound", region="eu-west-1")
    if function:
        aws.give("lambda", "get_function_configuration", {}, FunctionName=FUNCTION)
    else:
        aws.refuse("lambda", "get_function_configuration", "ResourceNotFoundException")
    [again] = its().settings.custom_actions
    buttons = (again, replace(again, function=FUNCTION))

    findings = account.named(its(escalation_topic=TOPIC, custom_actions=buttons))

    assert_found(findings, Level.FINE if topic and function else Level.FAILED, what)


def test_where_settings_name_nothing_nobody_asks(aws: Answers):
    assert list(account.named(its())) == []


# Uploads


def test_a_deployer_that_exists_is_fine(aws: Answers):
    aws.give("iam", "get_role", a_role(DEPLOYER), RoleName="deploy")

    assert_found(principals.deployers(its(deployers=(DEPLOYER,))), Level.FINE, f"{DEPLOYER} exists")


@pytest.mark.parametrize("path", [True, False], ids=["on another path", "absent"])
def test_a_deployer_that_does_not_exist_fails(aws: Answers, path: bool):
    if path:
        aws.give("iam", "get_role", a_role(f"arn:aws:iam::{ACCOUNT}:role/deploy"))
    else:
        aws.refuse("iam", "get_role", "NoSuchEntity")

    assert_found(
        principals.deployers(its(deployers=(DEPLOYER,))),
        Level.FAILED,
        "does not exist",
        "make the role",
    )


def test_a_deployer_of_another_account_is_a_warning_so_that_it_can_be_deployed(aws: Answers):
    other = "arn:aws:iam::999999999999:user/deploy"

    assert_found(
        principals.deployers(its(deployers=(other,))),
        Level.WARNING,
        "in another account",
        "aws iam get-user --user-name deploy, in account 999999999999",
    )


def test_each_uploader_is_looked_up_once(aws: Answers):
    other = "arn:aws:iam::123456789012:user/ci"
    aws.give("iam", "get_role", a_role(DEPLOYER), RoleName="deploy")
    aws.refuse("iam", "get_user", "NoSuchEntity")

    findings = principals.uploaders(its(uploaders={"a": (DEPLOYER, other), "b-*": (DEPLOYER,)}))

    assert [(item.level, item.what) for item in findings] == [
        (Level.FINE, f"uploader {DEPLOYER} exists"),
        (Level.FAILED, f"uploader {other} does not exist"),
    ]


@pytest.mark.parametrize("replicated", [True, False])
def test_a_bucket_that_is_replicated_fails(aws: Answers, replicated: bool):
    if replicated:
        rule = {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::elsewhere"}}
        configuration = {"Role": "arn:aws:iam::1:role/r", "Rules": [rule]}
        aws.give("s3", "get_bucket_replication", {"ReplicationConfiguration": configuration})
    else:
        aws.refuse("s3", "get_bucket_replication", "ReplicationConfigurationNotFoundError")

    assert_found(
        uploads.replication(its(deployed=True)),
        Level.FAILED if replicated else Level.FINE,
        "replicated to arn:aws:s3:::elsewhere" if replicated else "is not replicated",
    )


def test_before_up_there_is_no_bucket_to_look_at(aws: Answers):
    assert list(uploads.replication(its())) == []


# All of them


def ran(its: Environment, inspect: Any) -> Finding:
    [(_, findings)] = run(its, [Check(area="Email", about="recipients", inspect=inspect)])
    return findings


def test_a_check_without_permission_names_the_missing_one(aws: Answers):
    message = "User: arn:aws:sts::1:x is not authorized to perform: ses:GetAccount on resource: *"
    aws.refuse("sesv2", "get_account", "AccessDeniedException", message)

    findings = ran(its(), mail.recipients)

    assert findings.level == Level.UNKNOWN
    assert f"{CALLER.arn} lacks ses:GetAccount" in findings.what
    assert "allow ses:GetAccount" in findings.fix


def test_where_aws_does_not_name_the_right_the_call_is_named(aws: Answers):
    aws.refuse("sesv2", "get_account", "AccessDenied")

    assert "lacks GetAccount" in ran(its(), mail.recipients).what


def test_any_other_error_is_unknown_and_no_crash(aws: Answers):
    aws.refuse("sesv2", "get_account", "InternalFailure", "try later")

    findings = ran(its(), mail.recipients)

    assert (findings.level, "try later" in findings.what) == (Level.UNKNOWN, True)


def test_findings_before_the_error_are_reported(aws: Answers):
    aws.give("iam", "get_role", a_role(DEPLOYER))
    aws.refuse("iam", "get_role", "AccessDenied")
    both = its(deployers=(DEPLOYER, f"{DEPLOYER}2"))

    findings = run(both, [Check(area="Uploads", about="deployers", inspect=principals.deployers)])

    assert [item.level for _, item in findings] == [Level.FINE, Level.UNKNOWN]


def test_findings_come_in_the_order_of_the_checks(aws: Answers):
    checks = [
        Check(area="Slack", about="limits", inspect=slack.limits),
        Check(area="Account", about="credentials", inspect=account.credentials),
    ]
    notifications: list[str] = []

    findings = run(its(), checks, done=lambda check: notifications.append(check.about))

    assert [check.about for check, _ in findings] == ["limits", "credentials"]
    assert sorted(notifications) == ["credentials", "limits"]
