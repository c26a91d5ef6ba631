"""The services with little state: SES, SNS, CloudWatch Logs."""

import json
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from typing import Any, cast

from tests.simulation.aws.scheduler import Actor, NotSimulated, Scheduler
from tests.simulation.trace import Event, Mailed, Published
from tests.support.definitions import NAMES


class Ses:
    """SES accepts every email, also a second time: it has no idempotency
    (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html)."""

    def __init__(self, scheduler: Scheduler, events: list[Event]) -> None:
        self._scheduler, self._events = scheduler, events

    def in_flight(self, operation: str, parameters: dict[str, Any], change: int) -> None:
        """A client begins or ends a call, which nothing depends on here."""

    def serve(self, operation: str, parameters: dict[str, Any], actor: Actor) -> Any:
        """Accept an email."""
        if operation != "SendEmail":
            raise NotSimulated(f"SES {operation}")
        message = message_from_bytes(parameters["Content"]["Raw"]["Data"])
        self._events.append(
            Mailed(
                at=self._scheduler.now,
                to=tuple(parameters["Destination"]["ToAddresses"]),
                subject=str(make_header(decode_header(message["Subject"]))),
                text=_text(message),
                composed=actor.began,
            )
        )
        return {"MessageId": f"mail-{len(self._events)}"}


class Logs:
    """CloudWatch Logs, with one short stream for each build."""

    def in_flight(self, operation: str, parameters: dict[str, Any], change: int) -> None:
        """A client begins or ends a call, which nothing depends on here."""

    def serve(self, operation: str, parameters: dict[str, Any], actor: Actor) -> Any:
        """Return the end of a build's log."""
        if operation != "GetLogEvents":
            raise NotSimulated(f"CloudWatch Logs {operation}")
        token = "b/1"
        events = [] if parameters.get("nextToken") == token else [{"message": "Scanning ..."}]
        return {"events": events, "nextBackwardToken": token, "nextForwardToken": "f/1"}


class Sns:
    """SNS publishes every message; ``composed`` records which function wrote a card, and when.

    A standard topic does not deduplicate messages
    (https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html: only FIFO topics do).
    """

    def __init__(self, scheduler: Scheduler, events: list[Event]) -> None:
        self._scheduler, self._events = scheduler, events
        self._composed: dict[str, float] = {}

    def composed(self, answer: Any, began: float) -> None:
        """Record the cards in the ``answer`` of a function, and when that function started."""
        for item in answer.values() if isinstance(answer, dict) else ():
            if isinstance(item, dict) and "metadata" in item:
                self._composed[json.dumps(item, sort_keys=True)] = began

    def publish(self, *, TopicArn: str, Message: str, began: float) -> dict[str, Any]:
        """Publish a card; ``began`` is when the state machine began it, if no function wrote it.

        Only messages to the channel's topic are events: the model knows no other topic.
        """
        card = json.loads(Message)
        if TopicArn != NAMES.topic_arn:
            return {"MessageId": "elsewhere"}
        began = self._composed.get(json.dumps(card, sort_keys=True), began)
        self._events.append(Published(at=self._scheduler.now, card=card, composed=began))
        return {"MessageId": f"card-{len(self._events)}"}


def _text(message: Message) -> str:
    parts = message.walk() if message.is_multipart() else [message]
    plain = next(part for part in parts if part.get_content_type() == "text/plain")
    return cast(bytes, plain.get_payload(decode=True)).decode()
