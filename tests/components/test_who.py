import pytest

from components.who import Who, WhoArgs
from tests.components.recording import ACCOUNT, REGION, Built, build, program


@pytest.fixture(scope="module")
def built() -> Built:
    return build(
        lambda: Who(
            "who",
            WhoArgs(
                account=ACCOUNT,
                region=REGION,
                configuration_name="chatops-slack-dev",
                log_days=30,
                key_arn="arn:key",
                artifacts="artifacts",
                artifacts_arn="arn:artifacts",
                approval_function="approval-1a2b3c4",
            ),
        )
    )


def test_it_is_off_unless_asked_for(dev: Built):
    assert not dev.all("cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
    assert program(recordWho=True).all("cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")


def test_all_that_has_a_region_is_in_the_logs_region(built: Built):
    regional = {
        each.kind.split(":")[-1]: each.inputs.get("region")
        for each in built.aws
        if not each.kind.startswith("aws:iam/")
    }

    assert regional == dict.fromkeys(
        ["LogGroup", "Function", "Permission", "LogSubscriptionFilter"], "us-east-1"
    )


def test_the_function_finds_the_evidence_in_the_stacks_region(built: Built):
    inputs = built.one("lambda/function:Function").inputs

    assert inputs["handler"] == "handlers.who.handler"
    assert inputs["environment"]["variables"] == {
        "ARTIFACTS_BUCKET": "artifacts",
        "EVIDENCE_REGION": REGION,
        "APPROVAL_FUNCTION": "approval-1a2b3c4",
    }


def test_the_function_may_add_presses_and_change_nothing_else(built: Built):
    rights = {
        (action, resource)
        for each in built.one("iam/rolePolicy:RolePolicy").policy()
        for action in each["Action"]
        for resource in each["Resource"]
        if action.startswith(("s3:", "kms:"))
    }

    assert rights == {
        ("s3:GetObject", "arn:artifacts/scans/*/scan.json"),
        ("s3:PutObject", "arn:artifacts/scans/*/pressed/*.json"),
        ("s3:ListBucket", "arn:artifacts"),
        ("kms:Decrypt", "arn:key"),
        ("kms:GenerateDataKey", "arn:key"),
    }


def test_the_log_is_the_configurations_own_and_kept_as_long_as_is_set(built: Built):
    assert built.one("cloudwatch/logGroup:LogGroup", "audit-log").inputs == {
        "region": "us-east-1",
        "name": "/aws/chatbot/chatops-slack-dev",
        "retentionInDays": 30,
    }


def test_only_this_log_of_this_account_calls_the_function(built: Built):
    assert built.one("lambda/permission:Permission").inputs == {
        "region": "us-east-1",
        "action": "lambda:InvokeFunction",
        "function": "who",
        "principal": "logs.us-east-1.amazonaws.com",
        "sourceArn": "arn:aws:cloudwatch:::audit-log:*",
        "sourceAccount": ACCOUNT,
    }


def test_events_that_name_the_approval_function_are_handed_on_once_that_is_allowed(built: Built):
    handed_on = built.one("cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")

    assert handed_on.inputs == {
        "region": "us-east-1",
        "logGroup": "/aws/chatbot/chatops-slack-dev",
        "destinationArn": "arn:aws:lambda:::who",
        "filterPattern": '"approval-1a2b3c4"',
    }
    assert built.one("lambda/permission:Permission").urn in handed_on.depends_on
