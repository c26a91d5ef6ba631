"""The account on this machine does what the program declares, or refuses it."""

import json
import uuid
from typing import Any
from unittest.mock import ANY

import moto.s3.models
import pytest

from local import moto_patches
from local.account import wait_until
from local.chat_service_validation import Refused
from local.resources import Account, UnknownInput, create
from tests.scan.uploads import zipped
from tests.support.account import made_role
from tests.support.policy_evaluator import needs_engine

pytestmark = pytest.mark.slow

NOTHING: Any = None  # what is refused before it is used
ACCOUNT = Account(
    client=lambda _: None, stack="stack", register=lambda _kind, _state: "arn", guard=NOTHING
)


def test_an_unknown_type_is_refused():
    with pytest.raises(UnknownInput, match="aws:rds/instance:Instance"):
        create(ACCOUNT, "aws:rds/instance:Instance", "db", {})


@pytest.mark.parametrize(
    "inputs",
    [
        {"typeName": "T", "desiredState": "{}", "desierdState": "{}"},
        {"typeName": "T", "desiredState": "{}", "tags": {"a": "b"}},
    ],
    ids=["typo", "not a key of this type"],
)
def test_an_unknown_key_is_refused(inputs):
    with pytest.raises(UnknownInput, match="does not know"):
        create(ACCOUNT, "aws:cloudcontrol/resource:Resource", "x", inputs)


def test_another_version_of_moto_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(moto_patches, "MOTO", "5.0.0")

    with pytest.raises(RuntimeError, match=r"moto 5\.0\.0, but moto 5\.2\.5"):
        moto_patches.apply(None, None, None, None, None)  # type: ignore[arg-type]


def test_a_missing_hook_is_refused_by_name():
    with pytest.raises(RuntimeError, match="no_such_thing"):
        moto_patches._set(moto_patches, "no_such_thing", None)


def test_every_taggable_resource_has_the_tags_of_the_stack(cloud):
    tagging = cloud.client("resourcegroupstaggingapi")
    result = [
        mapping
        for page in tagging.get_paginator("get_resources").paginate()
        for mapping in page["ResourceTagMappingList"]
    ]
    untagged = [
        item["ResourceARN"]
        for item in result
        if {"stack", "project"} - {tag["Key"] for tag in item["Tags"]}
    ]

    assert len(result) > 15
    assert untagged == []


@needs_engine
def test_only_zips_can_be_uploaded(cloud):
    with pytest.raises(cloud.client("s3").exceptions.ClientError, match="AccessDenied"):
        cloud.upload("app/readme.txt", b"text")
    assert cloud.guard.denied.pop().explicit


@needs_engine
def test_the_channel_may_call_only_the_functions_of_its_buttons(cloud):
    buttons = {cloud.outputs["approvalFunction"], cloud.outputs["rescanFunction"]}
    # Other tests of this account make functions of their own.
    others = [
        name
        for function in cloud.client("lambda").list_functions()["Functions"]
        if (name := function["FunctionName"]).startswith("chatops-slack-") and name not in buttons
    ]
    assert len(others) == 5
    for name in others:
        with pytest.raises(Refused, match="permission"):
            cloud.channel.run(
                f'lambda invoke --function-name {name} --region eu-central-1 --payload {{"a":1}}'
            )
        assert name in str(cloud.guard.denied.pop())


def test_a_listing_of_versions_leaves_the_objects_as_they_are(cloud):
    s3, bucket = cloud.client("s3"), cloud.outputs["stateBucket"]
    for text in (b"older", b"newer"):
        s3.put_object(Bucket=bucket, Key="listed", Body=text)
    tracked: list[object] = vars(moto.s3.models.FakeKey)["instances_tracked"]
    before = len(tracked)

    versions = s3.list_object_versions(Bucket=bucket, Prefix="listed")["Versions"]

    assert [version["IsLatest"] for version in versions] == [True, False]
    assert len(tracked) == before  # moto's own listing keeps copies of all objects
    for version, text in zip(versions, (b"newer", b"older"), strict=True):
        listed = {"Bucket": bucket, "Key": "listed", "VersionId": version["VersionId"]}
        assert s3.get_object(**listed)["Body"].read() == text


def test_a_token_works_once(cloud):
    stepfunctions = cloud.client("stepfunctions")
    machine = stepfunctions.create_state_machine(
        name="waits",
        roleArn=made_role(cloud, "s3:PutObject", "kms:GenerateDataKey"),
        definition=json.dumps(
            {
                "QueryLanguage": "JSONata",
                "StartAt": "Wait",
                "States": {
                    "Wait": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::aws-sdk:s3:putObject.waitForTaskToken",
                        "Arguments": {
                            "Bucket": cloud.outputs["artifactsBucket"],
                            "Key": "token",
                            "Body": {"token": "{% $states.context.Task.Token %}"},
                        },
                        "End": True,
                    }
                },
            }
        ),
    )["stateMachineArn"]
    stepfunctions.start_execution(stateMachineArn=machine, name="once")
    s3, bucket = cloud.client("s3"), cloud.outputs["artifactsBucket"]
    wait_until(
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix="token").get("Contents"),
        5,
        lambda: "no token stored",
    )
    token = json.loads(s3.get_object(Bucket=bucket, Key="token")["Body"].read())["token"]

    stepfunctions.send_task_success(taskToken=token, output="{}")

    with pytest.raises(stepfunctions.exceptions.TaskTimedOut):
        stepfunctions.send_task_success(taskToken=token, output="{}")
    with pytest.raises(stepfunctions.exceptions.InvalidToken):
        stepfunctions.send_task_success(taskToken="made up", output="{}")


@pytest.fixture
def run_function(cloud):
    """Create a function from source text, invoke it, and return the response."""

    def run(source, payload=b"{}"):
        name = f"function-{uuid.uuid4().hex[:7]}"
        cloud.client("logs").create_log_group(logGroupName=name)
        cloud.functions.logging[name] = {"LogFormat": "JSON", "LogGroup": name}
        cloud.client("lambda").create_function(
            FunctionName=name,
            Role=made_role(cloud, "logs:*", "xray:*", trusts="lambda.amazonaws.com"),
            Runtime="python3.13",
            Handler="handlers.it.handler",
            Code={"ZipFile": zipped({"handlers/it.py": source})},
            Timeout=1,
        )
        answer = cloud.client("lambda").invoke(FunctionName=name, Payload=payload)
        return answer.get("FunctionError"), json.loads(answer["Payload"].read()), name

    return run


def test_a_function_returns_the_result_of_its_handler(run_function):
    source = "def handler(event, context):\n    return [event, context.function_name]"

    assert run_function(source, b'{"a": 1}')[:2] == (None, [{"a": 1}, ANY])


def test_a_function_that_takes_too_long_fails_with_its_time_limit(run_function):
    failed, answer, _ = run_function("import time\ndef handler(event, context): time.sleep(9)")

    assert failed
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]


def test_a_function_that_raises_fails_with_its_error(run_function):
    failed, answer, _ = run_function("def handler(event, context): raise KeyError('x')")

    assert failed
    assert answer["errorType"] == "KeyError"


def test_a_function_that_crashes_fails_with_its_exit_status(run_function):
    failed, answer, _ = run_function("import os\ndef handler(event, context): os._exit(3)")

    assert failed
    assert answer["errorType"] == "Runtime.ExitError"


def test_a_log_message_is_one_json_line_in_the_log_group_of_its_function(cloud, run_function):
    source = (
        "import logging\n"
        "def handler(event, context): logging.getLogger('it').info('said', extra={'scan': 'a/1'})"
    )
    _, _, group = run_function(source)

    logs = cloud.client("logs")
    events = wait_until(
        lambda: logs.filter_log_events(logGroupName=group)["events"], 5, lambda: "nothing logged"
    )
    line = json.loads(events[0]["message"])
    assert (line["level"], line["message"], line["scan"]) == ("INFO", "said", "a/1")
