"""Cards in the channel, and the buttons on them."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Button:
    """A custom action on one card; ``asks`` are the variables that the card does not bind."""

    label: str
    command: str
    bound: Mapping[str, str]
    asks: tuple[str, ...]

    def filled(self, answers: Mapping[str, str]) -> str:
        """The command with its variables substituted; those without an answer are empty."""
        values = {**self.bound, **{name: answers.get(name, "") for name in self.asks}}
        # In one pass: a variable's name within an answer is not substituted again.
        return re.sub(r"\$([A-Za-z]+)", lambda match: values.get(match[1], match[0]), self.command)


@dataclass(frozen=True)
class Card:
    """One message in the channel."""

    title: str
    description: str
    next_steps: tuple[str, ...]
    keywords: tuple[str, ...]
    thread: str
    summary: str
    buttons: tuple[Button, ...]
    raw: Mapping[str, Any] = field(repr=False)
    alarm: bool = False
    received: float = field(default_factory=time.time)

    @property
    def scan(self) -> str:
        """The id of its scan; empty for an alarm, and for a card about several scans."""
        return self.raw.get("metadata", {}).get("additionalContext", {}).get("Scan", "")


def card_of(notification: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> Card:
    """The card of a custom notification; ``actions`` are the channel's custom actions."""
    content, metadata = notification["content"], notification.get("metadata", {})
    buttons = [
        button
        for action in actions
        if metadata.get("enableCustomActions", True)
        for attachment in action["Attachments"]
        if (button := _button(action, attachment, metadata.get("additionalContext", {})))
    ]
    return Card(
        title=content.get("title", ""),
        description=content["description"],
        next_steps=tuple(content.get("nextSteps", [])),
        keywords=tuple(content.get("keywords", [])),
        thread=metadata.get("threadId", ""),
        summary=metadata.get("summary", ""),
        buttons=tuple(buttons),
        raw=notification,
    )


def is_alarm(message: Any) -> bool:
    """Whether a message is CloudWatch's about an alarm, which the service formats by itself."""
    return isinstance(message, dict) and message.keys() >= {"AlarmName", "NewStateValue"}


def alarm_card(alarm: Mapping[str, Any]) -> Card:
    """The card of an alarm, which has a colour and no custom actions."""

    def field_of(name: str) -> str:
        text = str(alarm.get(name) or "")
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    title = f"CloudWatch Alarm | {field_of('AlarmName')} | {field_of('Region')}"
    fields_shown = {
        "State": "NewStateValue",
        "State change reason": "NewStateReason",
        "Alarm description": "AlarmDescription",
        "Timestamp": "StateChangeTime",
    }
    return Card(
        title=title,
        description="\n".join(
            f"*{label}*\n{field_of(name)}"
            for label, name in fields_shown.items()
            if alarm.get(name)
        ),
        next_steps=(),
        keywords=(),
        thread="",
        summary=title,
        buttons=(),
        raw=alarm,
        alarm=True,
    )


def _button(
    action: Mapping[str, Any], attachment: Mapping[str, Any], context: Mapping[str, str]
) -> Button | None:
    bound = {
        name: context[path.rsplit(".", 1)[1]]
        for name, path in attachment["Variables"].items()
        if path.rsplit(".", 1)[1] in context
    }
    for criterion in attachment["Criteria"]:
        value = bound.get(criterion["VariableName"], "")
        if not value or (criterion["Operator"] == "EQUALS" and value != criterion["Value"]):
            return None
    return Button(
        label=attachment["ButtonText"],
        command=action["Definition"]["CommandText"],
        bound=bound,
        asks=tuple(name for name in attachment["Variables"] if name not in bound),
    )
