"""redrive: starts executions for the events in the dead-letter queue."""

import json as jsonlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from domain.stored_objects import error_code
from ops import output, stack

# The visibility timeout in seconds: for this time other consumers do not get the message.
HELD = 120


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One message; ``event`` is None if it is not an event of an upload."""

    receipt: str
    body: str
    event: dict[str, Any] | None
    error: str

    @property
    def key(self) -> str:
        """The key of the upload, empty without an event."""
        return self.event["detail"]["object"]["key"] if self.event else ""

    @property
    def execution(self) -> str:
        """The execution's name, by the event's id, so that a repeated redrive starts no second."""
        return (
            f"redrive-{re.sub('[^A-Za-z0-9_-]', '-', self.event['id'])[:72]}" if self.event else ""
        )


def redrive(
    yes: Annotated[bool, typer.Option("--yes", help="Start them; else they are listed.")] = False,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """List the events that started nothing, and start them with --yes.

    A message is removed once its execution is there. Exit code 1: some are left.

    Example: chatops redrive --yes --stack prod
    """
    environment = stack.load(stack_name, outputs)
    events = [
        (
            dead_letter.key,
            (dead_letter.event or {}).get("time", ""),
            dead_letter.error,
            _start(environment, dead_letter, yes),
        )
        for dead_letter in list(dead_letters(environment))
    ]
    if json:
        names = ("key", "time", "error", "outcome")
        output.as_json([dict(zip(names, event, strict=True)) for event in events])
    elif events:
        output.table(("KEY", "UPLOADED", "WHY IT STARTED NOTHING", "NOW"), events)
    left = sum(outcome != "started" for *_, outcome in events)
    output.say(f"{output.counted(len(events), 'event')} found, {len(events) - left} started")
    if left:
        raise typer.Exit(1)


def dead_letters(environment: stack.Stack) -> Iterator[DeadLetter]:
    """Yield each message of the queue once."""
    sqs, seen = environment.client("sqs"), set()
    while True:
        messages = sqs.receive_message(
            QueueUrl=environment["deadLetterQueue"],
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,  # long polling: a short poll may miss messages
            VisibilityTimeout=HELD,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        fresh = [message for message in messages if message["MessageId"] not in seen]
        if not fresh:
            return
        for message in fresh:
            seen.add(message["MessageId"])
            error_attribute = message.get("MessageAttributes", {}).get("ERROR_MESSAGE", {})
            yield DeadLetter(
                receipt=message["ReceiptHandle"],
                body=message["Body"],
                event=_event(message["Body"]),
                error=error_attribute.get("StringValue", ""),
            )


def _start(environment: stack.Stack, dead_letter: DeadLetter, yes: bool) -> str:
    """Start the execution and delete the message, or make it visible again; return the outcome."""
    sqs, queue = environment.client("sqs"), environment["deadLetterQueue"]
    outcome = (
        "waits for --yes" if dead_letter.event else ("no event of an upload: look at it by hand")
    )
    if yes and dead_letter.event:
        try:
            environment.client("stepfunctions").start_execution(
                stateMachineArn=environment["stateMachine"],
                name=dead_letter.execution,
                input=dead_letter.body,
            )
            outcome = "started"
        except ClientError as error:
            # It was started before, but the message was not deleted.
            code = error_code(error)
            outcome = "started" if code == "ExecutionAlreadyExists" else f"not started: {error}"
    if outcome == "started":
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=dead_letter.receipt)
    else:
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=dead_letter.receipt, VisibilityTimeout=0
        )
    return outcome


def _event(body: str) -> dict[str, Any] | None:
    try:
        event = jsonlib.loads(body)
        known = [event["id"], event["time"], event["detail"]["object"]["key"]]
        return event if all(isinstance(item, str) for item in known) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
