import json
from typing import Any

import pulumi_aws as aws
import pytest

from components.pipeline import Pipeline, PipelineArgs
from components.scan_project import ScanProjectArgs
from components.state_machine import Waits, definition
from components.states import Names
from tests.components.recording import ACCOUNT, REGION, Built, build

ON_CALL = "arn:aws:sns:eu-central-1:123456789012:on-call"
WAITS = Waits(decide=7200, escalate=600, remind=3600, who=0)


def pipeline(escalation_topic: str = "") -> Built:
    def make() -> Pipeline:
        scan = ScanProjectArgs(
            account=ACCOUNT,
            region=REGION,
            architecture="x86_64",
            compute_type="BUILD_GENERAL1_MEDIUM",
            build_minutes=30,
            queue_minutes=60,
            log_days=30,
            protect=False,
            vpc=None,
            environment={},
            sonar_token=None,
            role=aws.iam.Role("scan-role-of-storage", assume_role_policy="{}"),
            key_arn="arn:key",
            uploads_arn="arn:aws:s3:::uploads",
            artifacts="artifacts",
            artifacts_arn="arn:aws:s3:::artifacts",
            work="work",
            work_arn="arn:aws:s3:::work",
        )
        args = PipelineArgs(
            prefix="chatops-slack-dev",
            waits=WAITS,
            scan=scan,
            role=aws.iam.Role("role-of-storage", assume_role_policy="{}"),
            uploads="uploads",
            topic_arn="arn:topic",
            escalation_topic=escalation_topic,
            digest_after=10,
            digest_seconds=300,
            button_environment={"APPROVAL_FUNCTION": "approval-1a2b3c4", "TEAM_BUTTONS": "{}"},
            announce_arn="arn:announce",
        )
        return Pipeline("pipeline", args)

    return build(make)


@pytest.fixture(scope="module")
def built() -> Built:
    return pipeline()


def test_the_state_machine_may_do_what_its_states_do(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy", "pipeline")

    assert grants.inputs["role"] == "role-of-storage"
    assert grants.policy() == [
        {
            "Effect": "Allow",
            "Action": ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"],
            "Resource": ["arn:aws:codebuild:::scan"],
        },
        {
            "Effect": "Allow",
            "Action": ["events:PutRule", "events:PutTargets", "events:DescribeRule"],
            "Resource": [
                f"arn:aws:events:{REGION}:{ACCOUNT}:rule/"
                "StepFunctionsGetEventForCodeBuildStartBuildRule"
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": [
                "arn:aws:lambda:::check-build-status",
                "arn:aws:lambda:::callback",
                "arn:aws:lambda:::supersede",
                "arn:announce",
            ],
        },
        {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": ["arn:topic"]},
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/decision.json",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/decision.json",
                "arn:aws:s3:::artifacts/scans/*/withdrawal.json",
            ],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::artifacts"]},
        {
            "Effect": "Allow",
            "Action": ["s3:PutObjectVersionTagging"],
            "Resource": ["arn:aws:s3:::uploads/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": ["arn:key"],
        },
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ],
            "Resource": ["*"],
        },
    ]


def test_check_build_status_reads_reports_builds_and_logs_and_writes_its_card(built: Built):
    assert built.rights("check-build-status") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/report.json",
                "arn:aws:s3:::artifacts/scans/*/verdict.json",
                "arn:aws:s3:::work/flood/*",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/verdict.json",
                "arn:aws:s3:::work/flood/*",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucketVersions"],
            "Resource": ["arn:aws:s3:::uploads"],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::artifacts", "arn:aws:s3:::work"],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": ["arn:key"],
        },
        {
            "Effect": "Allow",
            "Action": ["codebuild:BatchGetBuilds"],
            "Resource": ["arn:aws:codebuild:::scan"],
        },
        {
            "Effect": "Allow",
            "Action": ["logs:GetLogEvents"],
            "Resource": ["arn:aws:cloudwatch:::scan:log-stream:*"],
        },
    ]


def answering(reads: list[str], writes: list[str]) -> list[dict[str, Any]]:
    """The rights of a function that decides where a newer version has, and sends tokens back."""
    return [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": reads},
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": writes},
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::artifacts", "arn:aws:s3:::work"],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucketVersions"],
            "Resource": ["arn:aws:s3:::uploads"],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": ["arn:key"],
        },
        {"Effect": "Allow", "Action": ["states:SendTaskSuccess"], "Resource": ["*"]},
    ]


DECISION = "arn:aws:s3:::artifacts/scans/*/decision.json"
WITHDRAWAL = "arn:aws:s3:::artifacts/scans/*/withdrawal.json"
TOKENS = "arn:aws:s3:::work/waiting/*"


@pytest.mark.parametrize(
    ("name", "reads", "writes"),
    [
        ("callback", [DECISION, WITHDRAWAL, TOKENS], [DECISION, TOKENS]),
        ("supersede", [DECISION, TOKENS], [DECISION]),
    ],
)
def test_who_answers_requests_may_do_nothing_else(
    built: Built, name: str, reads: list[str], writes: list[str]
):
    function = built.one("lambda/function:Function", name)

    assert built.rights(name) == answering(reads, writes)
    assert function.inputs["handler"] == f"handlers.{name}.handler"
    assert function.inputs["environment"]["variables"] == {
        "ARTIFACTS_BUCKET": "artifacts",
        "WORK_BUCKET": "work",
    }


def test_the_state_machine_publishes_to_another_topic_where_one_is_set():
    built = pipeline(escalation_topic=ON_CALL)
    published = [
        each["Resource"]
        for each in built.one("iam/rolePolicy:RolePolicy", "pipeline").policy()
        if each["Action"] == ["sns:Publish"]
    ]
    states = json.loads(built.one("sfn/stateMachine:StateMachine").inputs["definition"])["States"]

    assert published == [["arn:topic", ON_CALL]]
    assert states["TellEscalatedElsewhere"]["Arguments"]["TopicArn"] == ON_CALL


def test_check_build_status_knows_the_evidence_and_what_the_buttons_call(built: Built):
    function = built.one("lambda/function:Function", "check-build-status")

    assert function.inputs["handler"] == "handlers.check_build_status.handler"
    assert function.inputs["environment"]["variables"] == {
        "ARTIFACTS_BUCKET": "artifacts",
        "WORK_BUCKET": "work",
        "DIGEST_AFTER": "10",
        "DIGEST_SECONDS": "300",
        "APPROVAL_FUNCTION": "approval-1a2b3c4",
        "TEAM_BUTTONS": "{}",
    }


def test_the_state_machine_is_standard_logged_and_traced(built: Built):
    inputs = dict(built.one("sfn/stateMachine:StateMachine").inputs)
    inputs.pop("definition")

    assert inputs == {
        "type": "STANDARD",
        "roleArn": "arn:aws:iam:::role-of-storage",
        "loggingConfiguration": {
            "level": "ALL",
            # Task tokens are in the data.
            "includeExecutionData": False,
            "logDestination": "arn:aws:cloudwatch:::pipeline:*",
        },
        "tracingConfiguration": {"enabled": True},
    }


def test_its_log_group_lies_where_no_resource_policy_is_needed(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup", "pipeline").inputs == {
        "namePrefix": "/aws/vendedlogs/states/chatops-slack-dev-",
        "retentionInDays": 30,
    }


def test_it_runs_the_definition_with_the_deployed_names_and_times(built: Built):
    names = Names(
        project="scan",
        artifacts="artifacts",
        topic_arn="arn:topic",
        escalation_topic="",
        supersede="arn:aws:lambda:::supersede",
        callback="arn:aws:lambda:::callback",
        check_build_status="arn:aws:lambda:::check-build-status",
        announce="arn:announce",
        region=REGION,
    )

    assert json.loads(
        built.one("sfn/stateMachine:StateMachine").inputs["definition"]
    ) == definition(names, build_seconds=(30 + 60 + 5) * 60, waits=WAITS)


def test_it_is_made_after_its_rights(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy", "pipeline")

    assert grants.urn in built.one("sfn/stateMachine:StateMachine").depends_on


def test_every_zip_and_nothing_else_starts_an_execution(built: Built):
    rule = built.one("cloudwatch/eventRule:EventRule", "uploads")

    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["uploads"]},
            "object": {"key": [{"suffix": ".zip"}]},
        },
    }


def test_an_event_is_tried_for_a_day_and_kept_when_it_starts_nothing(built: Built):
    target = built.one("cloudwatch/eventTarget:EventTarget", "uploads")

    assert target.inputs == {
        "rule": "uploads",
        "arn": "arn:aws:sfn:::pipeline",
        "roleArn": "arn:aws:iam:::uploads",
        "retryPolicy": {"maximumEventAgeInSeconds": 86400, "maximumRetryAttempts": 185},
        "deadLetterConfig": {"arn": "arn:aws:sqs:::dead-letters"},
    }
    assert built.one("iam/rolePolicy:RolePolicy", "uploads").urn in target.depends_on


def test_eventbridge_of_this_account_may_start_this_state_machine_only(built: Built):
    assert built.one("iam/role:Role", "uploads").policy("assumeRolePolicy") == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": "events.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    ]
    grants = built.one("iam/rolePolicy:RolePolicy", "uploads")
    assert grants.inputs["role"] == "uploads"
    assert grants.policy() == [
        {
            "Effect": "Allow",
            "Action": ["states:StartExecution"],
            "Resource": ["arn:aws:sfn:::pipeline"],
        }
    ]


def test_dead_letters_are_encrypted_kept_for_two_weeks_and_come_from_this_rule_only(built: Built):
    policy: Any = built.one("sqs/queuePolicy:QueuePolicy")

    assert built.one("sqs/queue:Queue").inputs == {
        "sqsManagedSseEnabled": True,
        "messageRetentionSeconds": 14 * 24 * 3600,
    }
    assert policy.inputs["queueUrl"] == "https://queue/dead-letters"
    assert policy.policy() == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:aws:sqs:::dead-letters"],
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:cloudwatch:::uploads"}},
        }
    ]


def test_each_decision_and_withdrawal_wakes_what_waits_for_it(built: Built):
    rule = built.one("cloudwatch/eventRule:EventRule", "answers")
    target = built.one("cloudwatch/eventTarget:EventTarget", "answers")
    permission = built.one("lambda/permission:Permission", "answers")

    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["artifacts"]},
            "object": {"key": [{"suffix": "/decision.json"}, {"suffix": "/withdrawal.json"}]},
        },
    }
    assert target.inputs["arn"] == "arn:aws:lambda:::callback"
    assert permission.inputs["action"] == "lambda:InvokeFunction"
    assert permission.inputs["principal"] == "events.amazonaws.com"
    assert permission.inputs["sourceAccount"] == ACCOUNT
    assert permission.urn in target.depends_on
