"""redrive starts what events did not start, and loses none of them."""

import json

import pytest
from botocore.exceptions import ClientError

EVENT = {
    "id": "5f1c",
    "time": "2026-01-01T10:00:00Z",
    "detail": {"object": {"key": "payments/api.zip"}},
}


@pytest.fixture
def started(asked_first):
    """The executions that were started; a name that is there is refused, as ``fails`` all are."""
    found = {}

    def start(operation, parameters):
        if operation != "StartExecution":
            return None
        name = parameters["name"]
        code = "AccessDeniedException" if "fails" in found else "ExecutionAlreadyExists"
        if "fails" in found or name in found:
            raise ClientError({"Error": {"Code": code, "Message": code}}, operation)
        found[name] = json.loads(parameters["input"])
        return {"executionArn": name}

    asked_first(start)
    return found


def bury(environment, body):
    environment.sqs.send_message(
        QueueUrl=environment.queue,
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={"ERROR_MESSAGE": {"DataType": "String", "StringValue": "no rights"}},
    )


def left(environment):
    asked = environment.sqs.get_queue_attributes(
        QueueUrl=environment.queue, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def test_without_yes_events_are_only_listed(environment, started):
    bury(environment, EVENT)

    ran = environment.run("redrive")

    assert ran.exit_code == 1
    assert "payments/api.zip" in ran.stdout
    assert "no rights" in ran.stdout
    assert (started, left(environment)) == ({}, 1)


def test_with_yes_each_event_starts_its_execution_and_is_removed(environment, started):
    for number in range(23):
        bury(environment, {**EVENT, "id": f"event-{number}"})

    ran = environment.run("redrive", "--yes")

    assert ran.exit_code == 0, ran.output
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

    ran = environment.run("redrive", "--yes")

    assert ran.exit_code == 1
    assert "AccessDenied" in ran.stdout
    assert left(environment) == 1


@pytest.mark.parametrize("body", ["no json", "[]", {"id": "1"}, {**EVENT, "id": 7}])
def test_what_is_no_event_of_an_upload_is_never_started(environment, started, body):
    bury(environment, body)

    ran = environment.run("redrive", "--yes")

    assert ran.exit_code == 1
    assert "by hand" in ran.stdout
    assert (started, left(environment)) == ({}, 1)


def test_an_empty_queue_is_all_well(environment, started):
    assert environment.run("redrive").exit_code == 0
