import json

import pytest

from components.state_machine import Waits, definition
from components.states import Names
from tests.support.recording import ACCOUNT, REGION, Built, gate

ON_CALL = "arn:aws:sns:eu-central-1:123456789012:on-call"
WAITS = {"decision_seconds": 7200, "escalate_seconds": 600, "remind_seconds": 3600}


@pytest.fixture(scope="module")
def built() -> Built:
    return gate(**WAITS, queue_seconds=3600, log_retention_days=30, custom_actions=())


def test_check_build_status_gets_the_evidence_and_what_the_buttons_call(built: Built):
    function = built.one("lambda/function:Function", "gate-check-build-status")

    assert function.inputs["handler"] == "handlers.check_build_status.handler"
    assert function.inputs["environment"]["variables"] == {
        "ARTIFACTS_BUCKET": "gate-artifacts",
        "STATE_BUCKET": "gate-state",
        "DIGEST_AFTER": "10",
        "DIGEST_SECONDS": "300",
        "APPROVAL_COVERS": "version",
        "SELF_APPROVAL": "warn",
        "PEOPLE": "{}",
        "APPROVAL_FUNCTION": "gate-approval",
        "TEAM_BUTTONS": "{}",
    }


def test_the_state_machine_is_standard_logged_and_traced(built: Built):
    inputs = dict(built.one("sfn/stateMachine:StateMachine").inputs)
    inputs.pop("definition")

    assert inputs == {
        "type": "STANDARD",
        "roleArn": "arn:aws:iam:::gate-pipeline",
        "loggingConfiguration": {
            "level": "ALL",
            # Task tokens are in the data.
            "includeExecutionData": False,
            "logDestination": "arn:aws:cloudwatch:::gate-pipeline:*",
        },
        "tracingConfiguration": {"enabled": True},
    }


def test_its_log_group_has_a_name_that_needs_no_resource_policy(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup", "gate-pipeline").inputs == {
        "namePrefix": "/aws/vendedlogs/states/chatops-slack-dev-gate-",
        "retentionInDays": 30,
    }


def test_it_runs_the_definition_with_the_deployed_names_and_times(built: Built):
    names = Names(
        project="gate-scan",
        topic_arn="arn:aws:sns:::gate-notifications",
        escalation_topic="",
        open_scan="arn:aws:lambda:::gate-open-scan",
        callback="arn:aws:lambda:::gate-callback",
        check_build_status="arn:aws:lambda:::gate-check-build-status",
        notify="arn:aws:lambda:::gate-notify",
        region=REGION,
    )

    assert json.loads(
        built.one("sfn/stateMachine:StateMachine").inputs["definition"]
    ) == definition(
        names,
        build_seconds=(15 + 60 + 5) * 60,
        waits=Waits(decide=7200, escalate=600, remind=3600, audit=0),
        failure_emails=False,
    )


def test_it_is_created_after_its_permissions(built: Built):
    grants = built.one("iam/rolePolicy:RolePolicy", "gate-pipeline")

    assert grants.urn in built.one("sfn/stateMachine:StateMachine").depends_on


def test_every_zip_and_nothing_else_starts_an_execution(built: Built):
    rule = built.one("cloudwatch/eventRule:EventRule", "gate-uploads")

    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["gate-uploads"]},
            "object": {"key": [{"suffix": ".zip"}]},
        },
    }


def test_an_event_is_retried_for_a_day_and_then_stored_in_the_dead_letter_queue(built: Built):
    target = built.one("cloudwatch/eventTarget:EventTarget", "gate-uploads")

    assert target.inputs == {
        "rule": "gate-uploads",
        "arn": "arn:aws:sfn:::gate-pipeline",
        "roleArn": "arn:aws:iam:::gate-uploads",
        "retryPolicy": {"maximumEventAgeInSeconds": 86400, "maximumRetryAttempts": 185},
        "deadLetterConfig": {"arn": "arn:aws:sqs:::gate-dead-letters"},
    }
    assert built.one("iam/rolePolicy:RolePolicy", "gate-uploads").urn in target.depends_on


def test_what_is_decided_or_known_of_who_decided_resumes_its_execution(built: Built):
    rule = built.one("cloudwatch/eventRule:EventRule", "gate-decisions")
    target = built.one("cloudwatch/eventTarget:EventTarget", "gate-decisions")
    permission = built.one("lambda/permission:Permission", "gate-decisions")

    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["gate-artifacts"]},
            "object": {
                "key": [
                    {"suffix": "/decision.json"},
                    {"suffix": "/withdrawal.json"},
                    {"suffix": "/uploader.json"},
                    {"wildcard": "*/extensions/*"},
                    {"wildcard": "*/approvals/*"},
                    {"wildcard": "*/actions/*"},
                ]
            },
        },
    }
    assert target.inputs["arn"] == "arn:aws:lambda:::gate-callback"
    assert permission.inputs["action"] == "lambda:InvokeFunction"
    assert permission.inputs["principal"] == "events.amazonaws.com"
    assert permission.inputs["sourceAccount"] == ACCOUNT
    assert permission.urn in target.depends_on


def test_dead_letters_are_encrypted_and_stored_for_two_weeks(built: Built):
    assert built.one("sqs/queue:Queue").inputs == {
        "sqsManagedSseEnabled": True,
        "messageRetentionSeconds": 14 * 24 * 3600,
    }


def test_escalations_go_to_the_escalation_topic_if_one_is_set(built: Built):
    elsewhere = gate(escalation_topic=ON_CALL)

    assert ("sns:Publish", ON_CALL) in elsewhere.rights("gate-pipeline")
    assert ON_CALL in elsewhere.one("sfn/stateMachine:StateMachine").inputs["definition"]
    assert [arn for action, arn in built.rights("gate-pipeline") if action == "sns:Publish"] == [
        "arn:aws:sns:::gate-notifications"
    ]


def test_button_functions_may_describe_executions_and_only_rescan_may_start_one(built: Built):
    machine, executions = "arn:aws:sfn:::gate-pipeline", "arn:aws:sfn:::gate-pipeline:*"

    assert built.rights("gate-approval-executions") == {("states:DescribeExecution", executions)}
    assert built.rights("gate-rescan-executions") == {
        ("states:DescribeExecution", executions),
        ("states:StartExecution", machine),
    }


def test_functions_may_decide_and_take_back_only_where_a_setting_says_so(
    built: Built, everything: Built
):
    def written(gate: Built, function: str) -> set[str]:
        rights = gate.rights(f"gate-{function}")
        return {arn.rpartition("/")[2] for action, arn in rights if action == "s3:PutObject"}

    assert "decision.json" in written(everything, "check-build-status")
    assert "decision.json" not in written(built, "check-build-status")
    assert "withdrawal.json" in written(everything, "callback")
    assert "withdrawal.json" not in written(built, "callback")
