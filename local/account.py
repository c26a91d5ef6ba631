"""One AWS account on this machine, with the program deployed into it."""

import json
import logging
import os
import runpy
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import boto3
import pulumi
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from moto.events.models import events_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from werkzeug.serving import BaseWSGIServer

from domain.evidence_paths import HASHED_BY
from domain.scan_id import app_of, scan_id
from local import moto_caches, moto_patches, resources
from local.builds import Builds
from local.channel import Channel
from local.functions import Functions
from local.permissions import services
from local.permissions.guard import ADMINISTRATOR, Guard
from ops.access_rights import arns, environment_policy
from ops.mock_monitor import TransformingMonitor
from ops.program import run_program
from packs.platforms import builds_run_here

PROGRAM = Path(__file__).parent.parent
ACCOUNT, REGION = "123456789012", "eu-central-1"
EVENTS = "events.amazonaws.com"
# Roles that people and build servers assume: who uploads, and who deploys what is cleared.
DEVELOPERS, DEPLOYERS = "developers", "deployers"
LOOK_EVERY_SECONDS = 0.05
# Delay before a function receives an event; S3 delivers its events within seconds
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html).
EVENT_SECONDS = 1
Seen = TypeVar("Seen")
# States that wait for a task token.
WAITS = {"AwaitDecision", "AwaitWithdrawal"}
SETTINGS = {
    "slackWorkspaceId": "T0LOCAL0000",
    "slackChannelId": "C0LOCAL0000",
    "sender": "security@example.com",
    "recipients": '["developers@example.com"]',
    "scanners": '["bandit", "ruff"]',
    "uploaders": json.dumps({"*": [f"arn:aws:iam::{ACCOUNT}:role/{DEVELOPERS}"]}),
    "deployers": json.dumps([f"arn:aws:iam::{ACCOUNT}:role/{DEPLOYERS}"]),
}


class LocalAccount:
    """Starts an account, deploys the program, and stops both at the end of ``with``.

    ``outputs`` are the stack's and ``created`` its resources; ``channel`` is the Slack channel.
    moto has one state per process, so only one account can run at a time.
    """

    _running = False
    outputs: dict[str, Any]
    created: list[str]

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        stack: str = "local",
        slots: int = 20,
        program: Path = PROGRAM,
    ) -> None:
        own = SETTINGS if program == PROGRAM else {}
        self._settings, self.stack, self._program = {**own, **(settings or {})}, stack, program
        self._clients: dict[tuple[str, ...], Any] = {}
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._slots = slots
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        if LocalAccount._running:
            raise RuntimeError("moto keeps one account per process: leave the other account first")
        LocalAccount._running = True
        for chatty in ("werkzeug", "moto"):  # a line per request, a traceback per caught error
            logging.getLogger(chatty).setLevel(logging.CRITICAL)
        # The backlog of connections: werkzeug's 128 is too small for a burst of uploads.
        BaseWSGIServer.request_queue_size = 1024
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        os.environ["MOTO_PORT"] = str(port)  # moto's Step Functions calls the other services there
        self.guard = Guard(ACCOUNT, REGION)
        self.channel = Channel(self.client, self.guard)
        self.builds = Builds(self.client, self.endpoint, self.guard, self._slots)
        self.functions = Functions(self.endpoint, self.client, self.guard)
        moto_patches.apply(self.builds, self.functions, self.guard, self.deliver, self.notify)
        try:
            self.outputs = self._deploy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._stop_executions()
        self.channel.stop()
        self.builds.stop()
        self.functions.stop()
        self.guard.close()
        for client in self._clients.values():
            client.close()
        moto_caches.task_clients.close()
        moto_api_backend.reset()
        self._server.stop()
        LocalAccount._running = False

    def _stop_executions(self) -> None:
        """Stop what still runs: moto's threads would retry calls to an account that is gone."""
        machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        for machine in machines:
            for execution in machine.executions:
                begun = execution.exec_worker and execution.exec_worker.env
                if begun and execution.exec_status == ExecutionStatus.RUNNING:
                    execution.stop(datetime.now(UTC), None, "The local account was left.")

    def client(
        self,
        service: str,
        region: str = REGION,
        signer: str = ADMINISTRATOR,
        source: str = "",
    ) -> Any:
        """A cached boto3 client for this account, by default in the stack's region.

        ``signer`` is the access key id, by which ``Guard`` identifies the caller; a service that
        signs with its name acts for the resource ``source``, an ARN.
        """
        key = (service, region, signer, source)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = boto3.client(
                    service,
                    endpoint_url=self.endpoint,
                    region_name=region,
                    aws_access_key_id=signer,
                    aws_secret_access_key="local",
                    config=Config(max_pool_connections=50),
                )
                if source:
                    events = self._clients[key].meta.events
                    events.register("before-sign", partial(_name_source, source))
            return self._clients[key]

    def upload(self, key: str, body: bytes, by: str = "ada@example.com") -> str:
        """Put a zip into the upload bucket as a developer; return its scan id.

        ``by`` is the name of the role's session, which with single sign-on is a person's address.
        """
        # Another program may not know the role.
        signer = f"{DEVELOPERS}@{by}" if self._program == PROGRAM else ADMINISTRATOR
        version = self.client("s3", signer=signer).put_object(
            Bucket=self.outputs["uploadBucket"], Key=key, Body=body
        )["VersionId"]
        return scan_id(app_of(key), version)

    def deliver(self, event: dict[str, Any]) -> None:
        """Deliver an event to the targets of all matching rules, as EventBridge does."""
        threading.Thread(target=self._deliver, args=[event], daemon=True).start()

    def notify(self, function: str, event: dict[str, Any]) -> None:
        """Invoke a function for a bucket, as S3 does for its own notifications."""
        bucket = event["Records"][0]["s3"]["bucket"]["arn"]
        arguments = [function, event, services.S3, bucket]
        threading.Thread(target=self._invoke, args=arguments, daemon=True).start()

    def written(self, scan: str) -> list[str]:
        """The names of the scan's documents of evidence, oldest first."""
        prefix = f"scans/{scan}/"
        listed = self.client("s3").list_objects_v2(
            Bucket=self.outputs["artifactsBucket"], Prefix=prefix
        )
        when = {
            item["Key"].removeprefix(prefix): item["LastModified"]
            for item in listed.get("Contents", [])
        }
        # S3 says the second; within it, in the order in which they follow from each other.
        order = {name: position for position, name in enumerate(HASHED_BY)}
        return sorted(when, key=lambda name: (when[name], order.get(name, len(order))))

    def evidence(self, scan: str) -> dict[str, Any]:
        """The scan's evidence by name, oldest first; JSON is parsed."""
        s3, bucket = self.client("s3"), self.outputs["artifactsBucket"]
        documents = {}
        for name in self.written(scan):
            body = s3.get_object(Bucket=bucket, Key=f"scans/{scan}/{name}")["Body"].read().decode()
            documents[name] = json.loads(body) if name.endswith(".json") else body
        return documents

    def clearance(self, key: str, scan: str) -> str | None:
        """The tag ``scan-status`` of the uploaded version."""
        tags = self.client("s3").get_object_tagging(
            Bucket=self.outputs["uploadBucket"], Key=key, VersionId=scan.split("/")[1]
        )["TagSet"]
        return next((tag["Value"] for tag in tags if tag["Key"] == "scan-status"), None)

    def executions(self) -> list[dict[str, Any]]:
        """All executions of the state machine."""
        pages = self.client("stepfunctions").get_paginator("list_executions")
        return [
            execution
            for page in pages.paginate(stateMachineArn=self.outputs["stateMachine"])
            for execution in page["executions"]
        ]

    def execution(self, scan: str, seconds: float = 10) -> str:
        """The ARN of the execution that opened ``scan``, once scan.json exists."""
        opened = wait_until(
            lambda: self.evidence(scan).get("scan.json"), seconds, lambda: f"nobody opened {scan}"
        )
        return opened["execution"]

    def history(self, execution: str) -> list[dict[str, Any]]:
        """The execution's events."""
        return self.client("stepfunctions").get_execution_history(
            executionArn=execution, maxResults=1000
        )["events"]

    def states(self, execution: str) -> list[str]:
        """The names of the states that the execution has entered."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(execution)
            if "stateEnteredEventDetails" in event
        ]

    def durations(self, execution: str) -> dict[str, float]:
        """Seconds spent in each state that the execution has left."""
        entered: dict[str, Any] = {}
        durations = {}
        for event in self.history(execution):
            if "stateEnteredEventDetails" in event:
                entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"]
            if "stateExitedEventDetails" in event:
                name = event["stateExitedEventDetails"]["name"]
                durations[name] = (event["timestamp"] - entered[name]).total_seconds()
        return durations

    def status(self, execution: str) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return self.client("stepfunctions").describe_execution(executionArn=execution)["status"]

    def build_log(self, scan: str) -> list[str]:
        """The lines that the scan's build has written so far."""
        builds = self.builds.all_of(scan)
        if not builds:
            return []
        build, logs = builds[-1], self.client("logs")
        try:
            events = logs.get_log_events(
                logGroupName=build["Logs"]["GroupName"],
                logStreamName=build["Logs"]["StreamName"],
                startFromHead=True,
            )["events"]
        except logs.exceptions.ResourceNotFoundException:  # the build has not logged yet
            return []
        return [event["message"] for event in events]

    def reached(self, execution: str, *states: str, seconds: float = 40, times: int = 1) -> str:
        """Wait until the execution has entered any of ``states`` ``times`` times; return the last.

        A state that waits for a task token counts only once it has submitted its task.

        Raises:
            TimeoutError: it did not enter them; the message lists the states that it entered.
        """

        def begun() -> str | None:
            events = self.history(execution)
            # Before that event, the token is not stored yet.
            submitted = max(
                (event["id"] for event in events if event["type"] == "TaskSubmitted"), default=0
            )
            entered = [
                (event["id"], name)
                for event in events
                if (name := event.get("stateEnteredEventDetails", {}).get("name")) in states
            ]
            if len(entered) < times:
                return None
            event_id, name = entered[times - 1]
            return name if name not in WAITS or submitted > event_id else None

        return wait_until(begun, seconds, lambda: f"not in {states} but {self.states(execution)}")

    def others(self, event: dict[str, Any], known: str, seconds: float) -> list[str]:
        """The ARNs of the executions that ``event`` started besides ``known``, once there are any.

        Raises:
            TimeoutError: it started no other.
        """

        def started() -> list[str]:
            return [
                execution["executionArn"]
                for execution in self.executions()
                if execution["name"].startswith(event["id"]) and execution["executionArn"] != known
            ]

        return wait_until(started, seconds, lambda: "the event started nothing")

    def ended(self, execution: str, seconds: float = 60) -> str:
        """The execution's final status.

        Raises:
            TimeoutError: it did not end; the message names its current state.
        """

        def final() -> str | None:
            status = self.status(execution)
            return None if status == "RUNNING" else status

        return wait_until(final, seconds, lambda: f"still in {self.states(execution)[-1]}")

    def emails(self) -> list[Any]:
        """The emails that SES accepted: ``source``, ``destinations``, ``raw_data``."""
        return list(ses_backends[ACCOUNT][REGION].sent_messages)

    def _deliver(self, event: dict[str, Any]) -> None:
        """Call the targets of the rules that match, as EventBridge does.

        It invokes a function by the function's policy, and starts an execution as the target's role
        (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
        """
        for rule in list(events_backends[ACCOUNT][REGION].event_buses["default"].rules.values()):
            if not rule.event_pattern.matches_event(cast(Any, event)):
                continue
            for target in rule.targets:
                if ":lambda:" in target["Arn"]:
                    self._invoke(target["Arn"], event, EVENTS, rule.arn)
                    continue
                try:
                    role = target["RoleArn"]
                    self.guard.assume(EVENTS, role, account=ACCOUNT, arn=rule.arn)
                    signer = self.guard.session(role, "EventBridge")
                    self.client("stepfunctions", signer=signer).start_execution(
                        stateMachineArn=target["Arn"],
                        name=f"{event['id']}_{uuid.uuid4()}",
                        input=json.dumps(event),
                    )
                except Exception as error:
                    self._dead_letter(target["DeadLetterConfig"]["Arn"], event, error, rule.arn)

    def _invoke(self, function: str, event: dict[str, Any], service: str, source: str) -> None:
        """Invoke a function asynchronously as Lambda does: a failed call is retried twice.

        On AWS the retries come minutes later
        (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
        """
        for _ in range(3):
            if self._stopped.wait(EVENT_SECONDS):
                return
            try:
                answer = self.client("lambda", signer=service, source=source).invoke(
                    FunctionName=function, Payload=json.dumps(event)
                )
            except BotoCoreError:
                if self._stopped.is_set():
                    return
                raise
            if "FunctionError" not in answer:
                return

    def _dead_letter(self, queue: str, event: dict[str, Any], error: Exception, rule: str) -> None:
        url = self.client("sqs").get_queue_url(QueueName=queue.rsplit(":", 1)[1])["QueueUrl"]
        self.client("sqs", signer=EVENTS, source=rule).send_message(
            QueueUrl=url,
            MessageBody=json.dumps(event),
            MessageAttributes={
                "ERROR_MESSAGE": {"DataType": "String", "StringValue": str(error)[:500]}
            },
        )

    def _deploy(self) -> dict[str, Any]:
        """Run the program's ``__main__.py``; each resource is created as it is registered."""
        self.created = []
        created = self.created
        project = yaml.safe_load((self._program / "Pulumi.yaml").read_text())["name"]
        account = resources.Account(
            client=self.client,
            stack=f"{project}-{self.stack}",
            register=self.channel.register,
            function_logging=self.functions.logging,
            guard=self.guard,
        )

        class Engine(pulumi.runtime.Mocks):
            def new_resource(
                self, args: pulumi.runtime.MockResourceArgs
            ) -> tuple[str | None, dict[str, Any]]:
                if not args.typ.startswith("aws:"):
                    return f"{args.name}", args.inputs
                made = resources.create(account, args.typ, args.name, args.inputs)
                created.append(f"{args.typ} {args.name}")
                return made

            def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
                return {
                    "aws:index/getRegion:getRegion": {"region": REGION},
                    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
                    "aws:index/getPartition:getPartition": {"partition": "aws"},
                }[args.token]

        self._make_roles()
        config = {
            **defaults(self._program),
            **{f"{project}:{key}": value for key, value in self._settings.items()},
        }
        with builds_run_here():
            _, outputs = run_program(
                lambda: runpy.run_path(str(self._program / "__main__.py")),
                TransformingMonitor(Engine()),
                project,
                self.stack,
                config,
            )
        return outputs

    def _make_roles(self) -> None:
        """Make the roles of people; the stack's policies say what these may do with it.

        Their own say only that they may look up which stacks there are.
        """
        named = arns(self.stack, {}, ACCOUNT, REGION)
        for role in (DEVELOPERS, DEPLOYERS):
            sign_on = {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/sign-on"},
                "Action": "sts:AssumeRoleWithSAML",
            }
            self.client("iam").create_role(
                RoleName=role,
                AssumeRolePolicyDocument=json.dumps(
                    {"Version": "2012-10-17", "Statement": [sign_on]}
                ),
            )
            self.client("iam").put_role_policy(
                RoleName=role,
                PolicyName="find-environments",
                PolicyDocument=json.dumps(environment_policy(named)),
            )


def _name_source(source: str, request: Any, **_: Any) -> None:
    """Send what a service acts for, as AWS's services do when they call each other."""
    request.headers["x-amz-source-arn"] = source
    request.headers["x-amz-source-account"] = ACCOUNT


def wait_until(
    probe: Callable[[], Seen | None], seconds: float, failure: Callable[[], str]
) -> Seen:
    """Call ``probe`` until its result is true, and return that.

    Raises:
        TimeoutError: it was not within ``seconds``; ``failure`` gives the message.
    """
    end = time.monotonic() + seconds
    while not (seen := probe()):
        if time.monotonic() > end:
            raise TimeoutError(f"{failure()} after {seconds:.0f} s")
        time.sleep(LOOK_EVERY_SECONDS)
    return seen


def defaults(program: Path = PROGRAM) -> dict[str, str]:
    """The defaults of Pulumi.yaml, as the CLI passes them to the program."""
    declared = yaml.safe_load((program / "Pulumi.yaml").read_text())
    return {
        f"{declared['name']}:{key}": value["default"]
        if isinstance(value["default"], str)
        else json.dumps(value["default"])
        for key, value in declared["config"].items()
        if "default" in value
    }
