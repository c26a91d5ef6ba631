"""The fake services follow the rules of AWS that their modules cite."""

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from tests.simulation.aws.builds import Builds, Scan
from tests.simulation.aws.faults import Faults, Outage, Plan
from tests.simulation.aws.network import Client, Network
from tests.simulation.aws.s3 import S3
from tests.simulation.aws.scheduler import Scheduler
from tests.simulation.aws.step_functions import MACHINE, REMEMBERED, StepFunctions
from tests.simulation.trace import Event, Stored

QUICK = Config(read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
OBJECT = {"Bucket": "b", "Key": "k"}


class World:
    """Fake services on a scheduler; ``does`` runs actors to their end and returns their results."""

    def __init__(self, *plans: Plan, seed: int = 1, jitter: bool = False) -> None:
        self.scheduler = Scheduler(seed)
        self.events: list[Event] = []
        self.faults = Faults(plans, self.scheduler.random, self.events, jitter=jitter)
        self.network = Network(self.scheduler, self.faults)
        self.s3 = S3(self.scheduler, self.events, "uploads", {"uploads"}, {"uploads", "b"})
        self.step_functions = StepFunctions(self.scheduler, self.events)
        self.step_functions.machine = self._live

    def client(self, service: str, fake: Any) -> Any:
        real = boto3.client(service, region_name="eu-central-1", config=QUICK)
        return Client(real, fake, self.network)

    def does(self, *works: Callable[[], Any]) -> list[Any]:
        actors = [self.scheduler.spawn("approval", work, handled=(Exception,)) for work in works]
        self.scheduler.run()
        return [actor.ended.value for actor in actors]

    def _live(self, execution: Any) -> str:
        self.scheduler.sleep(100)
        return "SUCCEEDED"


def code(result: tuple[str, Any]) -> str:
    kind, error = result
    assert kind == "failed"
    assert isinstance(error, ClientError)
    return error.response.get("Error", {}).get("Code", "")


@pytest.fixture
def world() -> World:
    return World()


def put(client: Any, body: bytes) -> Any:
    return client.put_object(**OBJECT, Body=body, IfNoneMatch="*")


def test_one_conditional_write_wins_and_the_others_get_412_or_409():
    codes = set()
    for seed in range(40):
        world = World(seed=seed, jitter=True)
        s3 = world.client("s3", world.s3)
        results = world.does(*(partial(put, s3, body) for body in (b"1", b"2", b"3")))
        written = [event for event in world.events if isinstance(event, Stored)]
        assert len(written) == 1
        codes |= {code(result) for result in results if result[0] == "failed"}

    assert codes == {"PreconditionFailed", "ConditionalRequestConflict"}


def test_a_conditional_write_whose_response_is_lost_finds_its_own_object():
    world = World(Plan(caller="approval", n=1, fault="after"))
    s3 = world.client("s3", world.s3)

    [result] = world.does(lambda: put(s3, b"{}"))

    assert code(result) == "PreconditionFailed"
    assert len([event for event in world.events if isinstance(event, Stored)]) == 1


def test_replacing_a_changed_or_missing_object_is_refused(world):
    s3 = world.client("s3", world.s3)

    def work() -> list[str]:
        seen = []
        first = s3.put_object(**OBJECT, Body=b"1")["ETag"]
        second = s3.put_object(**OBJECT, Body=b"1", IfMatch=first)["ETag"]
        assert s3.get_object(**OBJECT)["ETag"] == second
        for key, etag in (("k", first), ("other", second)):
            try:
                s3.put_object(Bucket="b", Key=key, Body=b"2", IfMatch=etag)
            except ClientError as error:
                seen.append(error.response.get("Error", {}).get("Code", ""))
        return seen

    assert world.does(work) == [("done", ["PreconditionFailed", "NoSuchKey"])]


def test_a_write_may_take_effect_after_its_writer_gave_up():
    late = 0
    for seed in range(20):
        world = World(Plan(caller="approval", n=1, fault="slow", times=2), seed=seed)
        s3 = world.client("s3", world.s3)
        [(kind, error)] = world.does(partial(put, s3, b"{}"))
        [stored] = [event for event in world.events if isinstance(event, Stored)]
        assert kind == "failed"
        if isinstance(error, ReadTimeoutError):
            late += stored.at > 2

    assert late


def test_a_client_retries_as_often_as_configured():
    worlds = [World(Plan(caller="approval", n=1, fault="throttled", times=t)) for t in (1, 2)]
    results = []
    for world in worlds:
        s3 = world.client("s3", world.s3)
        results += world.does(partial(put, s3, b"{}"))

    assert results[0][0] == "done"
    assert code(results[1]) == "SlowDown"


def test_an_outage_fails_each_call_of_its_service_until_it_is_over(world):
    s3 = world.client("s3", world.s3)
    world.faults.outages.append(Outage("s3", since=0, until=60, bucket="b", what="GetObject"))

    def reads() -> list[str]:
        s3.put_object(**OBJECT, Body=b"{}")
        seen = []
        for seconds in (0, 100):
            world.scheduler.sleep(seconds)
            try:
                seen.append(s3.get_object(**OBJECT)["Body"].read().decode())
            except ClientError as error:
                seen.append(error.response.get("Error", {}).get("Code", ""))
        return seen

    assert world.does(reads) == [("done", ["InternalError", "{}"])]


def test_a_call_takes_effect_even_if_its_caller_is_killed_afterwards():
    world = World(Plan(caller="approval", n=1, fault="killed after"))
    s3 = world.client("s3", world.s3)

    [(kind, _)] = world.does(lambda: put(s3, b"{}"))

    assert kind == "killed"
    assert [type(event).__name__ for event in world.events] == ["Faulted", "Stored"]


def test_a_parameter_that_the_service_does_not_know_is_refused(world):
    s3 = world.client("s3", world.s3)

    [(_, error)] = world.does(lambda: s3.put_object(**OBJECT, Bodi=b""))

    assert isinstance(error, ParamValidationError)


def test_versions_are_listed_newest_first_and_a_deleted_one_has_no_tags(world):
    s3 = world.client("s3", world.s3)
    versions = [world.s3.upload("k") for _ in range(3)]

    def work() -> tuple[list[str], str]:
        listed = s3.list_object_versions(Bucket="uploads", Prefix="k")["Versions"]
        world.s3.delete("k", versions[1])
        try:
            s3.get_object_tagging(Bucket="uploads", Key="k", VersionId=versions[1])
        except ClientError as error:
            return [item["VersionId"] for item in listed], str(error)
        raise AssertionError("its tags are there")

    [(_, (listed, error))] = world.does(work)

    assert listed == versions[::-1]
    assert "NoSuchVersion" in error


def test_a_task_token_works_once_while_its_task_waits(world):
    sfn = world.client("stepfunctions", world.step_functions)
    token, resumed = world.step_functions.token()
    closed, _ = world.step_functions.token()
    world.step_functions.close(closed)

    def send(token: str) -> Callable[[], Any]:
        return lambda: sfn.send_task_success(taskToken=token, output="{}")

    first, invalid, over = world.does(send(token), send("none"), send(closed))
    [second] = world.does(send(token))

    assert first[0] == "done"
    assert resumed.value == ("done", "{}")
    assert code(second) == "TaskTimedOut"
    assert code(invalid) == "InvalidToken"
    assert code(over) == "TaskTimedOut"


def test_the_name_of_an_execution_is_reserved_until_the_execution_is_deleted(world):
    sfn = world.client("stepfunctions", world.step_functions)
    detail = json.dumps({"a": 1})

    def start(at: float, text: str) -> Callable[[], str]:
        def work() -> str:
            world.scheduler.sleep(at)
            try:
                sfn.start_execution(stateMachineArn=MACHINE, name="n", input=text)
            except sfn.exceptions.ExecutionAlreadyExists:
                return "exists"
            return "started"

        return work

    over = 101.0
    results = world.does(
        start(0, detail),
        start(1, detail),
        start(1, "{}"),
        start(over, detail),
        start(over + REMEMBERED - 5, detail),
        start(over + REMEMBERED + 5, detail),
    )

    assert [value for _, value in results] == [
        "started", "started", "exists", "exists", "exists", "started",
    ]  # fmt: skip
    started = [event for event in world.events if type(event).__name__ == "ExecutionStarted"]
    assert len(started) == 2


def test_a_deleted_execution_does_not_exist(world):
    sfn = world.client("stepfunctions", world.step_functions)

    def work() -> list[str]:
        arn = sfn.start_execution(stateMachineArn=MACHINE, name="n", input="{}")["executionArn"]
        seen = [sfn.describe_execution(executionArn=arn)["status"]]
        world.scheduler.sleep(200)
        seen.append(sfn.describe_execution(executionArn=arn)["status"])
        world.scheduler.sleep(REMEMBERED)
        try:
            sfn.describe_execution(executionArn=arn)
        except sfn.exceptions.ExecutionDoesNotExist:
            seen.append("forgotten")
        return seen

    assert world.does(work) == [("done", ["RUNNING", "SUCCEEDED", "forgotten"])]


def test_codebuild_remembers_an_idempotency_token_for_five_minutes(world):
    s3 = world.client("s3", world.s3)
    builds = Builds(world.scheduler, world.events, s3, "b", lambda scan: Scan(gate="passed"))
    variables = {"SCAN": "a/1", "APP": "a", "UPLOAD_BUCKET": "uploads", "UPLOAD_KEY": "k"}
    variables["UPLOAD_VERSION"] = "1"
    parameters = {
        "IdempotencyToken": "token",
        "EnvironmentVariablesOverride": [
            {"Name": name, "Value": value} for name, value in variables.items()
        ],
    }

    def work() -> list[Any]:
        started = [builds.start(parameters)]
        for seconds in (299, 2):
            world.scheduler.sleep(seconds)
            started.append(builds.start(parameters))
        return started

    [(_, (first, again, other))] = world.does(work)

    assert first is again
    assert other is not first


def test_most_calls_are_quick_and_some_take_seconds():
    faults = Faults([], Random(1), [])
    times = sorted(sum(faults.latency()) for _ in range(2000))

    assert times[1000] < 0.1
    assert times[-1] > 2
