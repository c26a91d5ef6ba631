"""redrive starts the scans of undelivered events, and loses no event."""

import json

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.slow

EVENT = {
    "id": "5f1c",
    "time": "2026-01-01T10:00:00Z",
    "detail": {"object": {"key": "payments/api.zip"}},
}


@pytest.fixture
def started(asked_first):
    """The started executions; an existing name is refused, and with ``fails`` every name."""
    result = {}

    def start(operation, parameters):
        if operation != "StartExecution":
            return None
        name = parameters["name"]
        code = "AccessDeniedException" if "fails" in result else "ExecutionAlreadyExists"
        if "fails" in result or name in result:
            raise ClientError({"Error": {"Code": code, "Message": code}}, operation)
        result[name] = json.loads(parameters["input"])
        return {"executionArn": name}

    asked_first(start)
    return result


def bury(environment, body):
    environment.sqs.send_message(
        QueueUrl=environment.queue,
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={"ERROR_MESSAGE": {"DataType": "String", "StringValue": "no rights"}},
    )


def left(environment):
    requests = environment.sqs.get_queue_attributes(
        QueueUrl=environment.queue, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(requests["Attributes"]["ApproximateNumberOfMessages"])


def test_without_yes_events_are_only_listed(environment, started):
    bury(environment, EVENT)

    result = environment.run("redrive")

    assert result.exit_code == 1
    assert "payments/api.zip" in result.stdout
    assert "no rights" in result.stdout
    assert (started, left(environment)) == ({}, 1)


def test_with_yes_each_event_starts_its_execution_and_is_removed(environment, started):
    for number in range(23):
        bury(environment, {**EVENT, "id": f"event-{number}"})

    result = environment.run("redrive", "--yes")

    assert result.exit_code == 0, result.output
    assert len(started) == 23
    assert started["redrive-event-7"] == {**EVENT, "id": "event-7"}
    assert left(environment) == 0


def test_an_event_that_was_started_before_is_removed(environment, started):
    started["redrive-5f1c"] = EVENT
    bury(environment, EVENT)

    assert environment.run("redrive", "--yes").exit_code == 0
    assert left(environment) == 0


def test_an_event_that_cannot_be_started_stays(environment, started):
    started["fails"] = True
    bury(environment, EVENT)

    result = environment.run("redrive", "--yes")

    assert result.exit_code == 1
    assert "AccessDenied" in result.stdout
    assert left(environment) == 1


@pytest.mark.parametrize("body", ["no json", "[]", {"id": "1"}, {**EVENT, "id": 7}])
def test_a_message_that_is_no_upload_event_is_never_started(environment, started, body):
    bury(environment, body)

    result = environment.run("redrive", "--yes")

    assert result.exit_code == 1
    assert "by hand" in result.stdout
    assert (started, left(environment)) == ({}, 1)


def test_an_empty_queue_is_all_well(environment, started):
    assert environment.run("redrive").exit_code == 0
