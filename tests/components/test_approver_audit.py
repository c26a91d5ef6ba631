from typing import Any

import pytest

from tests.support.recording import ACCOUNT, REGION, Built, gate

AUDIT = "gate-approver-audit"
FILTER = "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"


@pytest.fixture(scope="module")
def built() -> Built:
    return gate(record_approver=True, log_retention_days=30)


def test_it_is_off_unless_asked_for(dev: Built):
    assert not dev.all(FILTER)


def test_all_regional_resources_are_in_the_region_of_the_log(built: Built):
    regional = {
        resource.kind.split(":")[-1]: resource.inputs.get("region")
        for resource in built.aws
        if resource.name in (AUDIT, "gate-audit-log") and not resource.kind.startswith("aws:iam/")
    }

    assert regional == dict.fromkeys(
        ["LogGroup", "Function", "Permission", "LogSubscriptionFilter"], "us-east-1"
    )


def test_the_function_finds_the_evidence_in_the_stacks_region(built: Built):
    inputs = built.one("lambda/function:Function", AUDIT).inputs

    assert inputs["handler"] == "handlers.approver_audit.handler"
    assert inputs["environment"]["variables"] == {
        "ARTIFACTS_BUCKET": "gate-artifacts",
        "EVIDENCE_REGION": REGION,
        "APPROVAL_FUNCTION": "gate-approval",
        "STATE_BUCKET": "",
    }


@pytest.mark.parametrize("rule", [{"approvals": 2}, {"self_approval": "refuse"}])
def test_it_may_resume_executions_only_where_something_follows_from_who_clicked(
    built: Built, rule: dict[str, Any]
):
    resumes = gate(record_approver=True, **rule)

    assert resumes.variables(AUDIT)["STATE_BUCKET"] == "gate-state"
    more = resumes.rights(AUDIT) - built.rights(AUDIT)
    assert ("states:SendTaskSuccess", "*") in more
    assert ("s3:GetObject", "arn:aws:s3:::gate-state/waiting/*") in more
    assert not any(action.startswith("s3:Put") for action, _ in more)


def test_the_log_is_that_of_the_configuration_with_the_configured_retention(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup", "gate-audit-log").inputs == {
        "region": "us-east-1",
        "name": "/aws/chatbot/chatops-slack-dev-gate",
        "retentionInDays": 30,
    }


def test_only_this_log_of_this_account_calls_the_function(built: Built):
    assert built.one("lambda/permission:Permission", AUDIT).inputs == {
        "region": "us-east-1",
        "action": "lambda:InvokeFunction",
        "function": AUDIT,
        "principal": "logs.us-east-1.amazonaws.com",
        "sourceArn": "arn:aws:cloudwatch:::gate-audit-log:*",
        "sourceAccount": ACCOUNT,
    }


def test_the_subscription_is_created_after_the_permission_to_invoke(built: Built):
    handed_on = built.one(FILTER)

    assert handed_on.inputs == {
        "region": "us-east-1",
        "logGroup": "/aws/chatbot/chatops-slack-dev-gate",
        "destinationArn": f"arn:aws:lambda:::{AUDIT}",
        "filterPattern": '"gate-approval"',
    }
    assert built.one("lambda/permission:Permission", AUDIT).urn in handed_on.depends_on
