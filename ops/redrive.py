"""redrive: starts the executions again that events from the dead-letter queue did not start."""

import json as jsonlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from domain.stored_objects import error_code
from ops import shown, stack

# Seconds in which nobody else sees a message that is looked at here.
HELD = 120


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message; ``event`` is None where it is no event of an upload."""

    receipt: str
    body: str
    event: dict[str, Any] | None
    error: str

    @property
    def key(self) -> str:
        """The key of the upload, empty where it is no event of one."""
        return self.event["detail"]["object"]["key"] if self.event else ""

    @property
    def execution(self) -> str:
        """The same for the same event, so that twice starts once."""
        return (
            f"redrive-{re.sub('[^A-Za-z0-9_-]', '-', self.event['id'])[:72]}" if self.event else ""
        )


def redrive(
    yes: Annotated[bool, typer.Option("--yes", help="Start them; else they are listed.")] = False,
    json: shown.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """List the events that started nothing, and start them with --yes.

    A message is removed once its execution is there. Exit code 1: some are left.

    Example: python -m ops redrive --yes --stack prod
    """
    environment = stack.load(stack_name, outputs)
    found = [
        (each.key, (each.event or {}).get("time", ""), each.error, _start(environment, each, yes))
        for each in list(letters(environment))
    ]
    if json:
        names = ("key", "time", "error", "outcome")
        shown.as_json([dict(zip(names, each, strict=True)) for each in found])
    elif found:
        shown.table(("KEY", "UPLOADED", "WHY IT STARTED NOTHING", "NOW"), found)
    left = sum(outcome != "started" for *_, outcome in found)
    shown.say(f"{shown.counted(len(found), 'event')} found, {len(found) - left} started")
    if left:
        raise typer.Exit(1)


def letters(environment: stack.Stack) -> Iterator[Letter]:
    """Yield each message of the queue once."""
    sqs, seen = environment.client("sqs"), set()
    while True:
        found = sqs.receive_message(
            QueueUrl=environment["deadLetterQueue"],
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,  # a queue that is not asked to wait may answer empty
            VisibilityTimeout=HELD,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        fresh = [each for each in found if each["MessageId"] not in seen]
        if not fresh:
            return
        for each in fresh:
            seen.add(each["MessageId"])
            said = each.get("MessageAttributes", {}).get("ERROR_MESSAGE", {})
            yield Letter(
                receipt=each["ReceiptHandle"],
                body=each["Body"],
                event=_event(each["Body"]),
                error=said.get("StringValue", ""),
            )


def _start(environment: stack.Stack, letter: Letter, yes: bool) -> str:
    """Start and remove, or put back; return what became of it."""
    sqs, queue = environment.client("sqs"), environment["deadLetterQueue"]
    outcome = "waits for --yes" if letter.event else "no event of an upload: look at it by hand"
    if yes and letter.event:
        try:
            environment.client("stepfunctions").start_execution(
                stateMachineArn=environment["stateMachine"],
                name=letter.execution,
                input=letter.body,
            )
            outcome = "started"
        except ClientError as error:
            # Somebody did before, and the message stayed.
            code = error_code(error)
            outcome = "started" if code == "ExecutionAlreadyExists" else f"not started: {error}"
    if outcome == "started":
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=letter.receipt)
    else:
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )
    return outcome


def _event(body: str) -> dict[str, Any] | None:
    try:
        event = jsonlib.loads(body)
        known = [event["id"], event["time"], event["detail"]["object"]["key"]]
        return event if all(isinstance(each, str) for each in known) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
