"""What the chat service accepts according to its documentation, and what it refuses or drops.

https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html,
https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-actions.html
"""

import itertools
import json
import re
import shlex
from typing import Any

LIMITS = {"title": 250, "description": 8000, "nextSteps": 350, "keywords": 75}


class Refused(Exception):
    """A command that the service does not run; the message is its response to the user."""


def parse_command(command: str) -> tuple[str, str, str]:
    """Parse a ``lambda invoke`` command; return function name, region and payload.

    Raises:
        Refused: it is another command or invalid.
    """
    head, _, rest = command.partition("--payload ")
    try:
        payload, end = json.JSONDecoder().raw_decode(rest)
        words = shlex.split(head + rest[end:])
    except ValueError as error:
        raise Refused(f"I can't understand the command: {error}") from error
    options = dict(zip(words[2::2], words[3::2], strict=False))
    if words[:2] != ["lambda", "invoke"] or options.keys() != {"--function-name", "--region"}:
        raise Refused(f"I can't run {' '.join(words[:2])} with {sorted(options)}")
    return options["--function-name"], options["--region"], json.dumps(payload)


def check_notification(notification: Any) -> None:
    """Check a message against the custom notification schema.

    Raises:
        ValueError: the reason for which the service would drop it.
    """

    def text(value: Any, limit: int, what: str) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= limit:
            raise ValueError(f"{what} must be text of 1 to {limit} characters")

    def only(mapping: Any, known: set[str], what: str) -> dict[str, Any]:
        if not isinstance(mapping, dict) or mapping.keys() - known:
            raise ValueError(f"{what} knows {sorted(known)}")
        return mapping

    only(notification, {"version", "source", "id", "content", "metadata"}, "a notification")
    if notification.get("version") != "1.0" or notification.get("source") != "custom":
        raise ValueError("version must be 1.0 and source custom")
    content = only(
        notification.get("content"),
        {"textType", "title", "description", "nextSteps", "keywords"},
        "content",
    )
    if content.get("textType", "client-markdown") != "client-markdown":
        raise ValueError("textType must be client-markdown")
    text(content.get("description"), LIMITS["description"], "description")
    if "title" in content:
        text(content["title"], LIMITS["title"], "title")
    for key in ("nextSteps", "keywords"):
        for item in content.get(key, []):
            text(item, LIMITS[key], f"each of {key}")
    metadata = only(
        notification.get("metadata", {}),
        {
            "threadId", "summary", "eventType", "relatedResources", "additionalContext",
            "enableCustomActions",
        },
        "metadata",
    )  # fmt: skip
    context = metadata.get("additionalContext", {})
    if not all(isinstance(part, str) for pair in context.items() for part in pair):
        raise ValueError("additionalContext maps strings to strings")


def check_custom_action(state: dict[str, Any]) -> None:
    """Check a custom action against the service's limits, and for ambiguous variables.

    Raises:
        ValueError: why the service would refuse it, or could read its command in two ways.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", state["ActionName"]):
        raise ValueError(f"ActionName {state['ActionName']!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    if not 1 <= len(state["Definition"]["CommandText"]) <= 100:
        raise ValueError("CommandText has more than 100 characters")
    for attachment in state["Attachments"]:
        variables, criteria = attachment["Variables"], attachment["Criteria"]
        if not 1 <= len(attachment["ButtonText"]) <= 50:
            raise ValueError("ButtonText has 1 to 50 characters")
        if not 1 <= len(variables) <= 5 or not 1 <= len(criteria) <= 5:
            raise ValueError("an attachment has 1 to 5 variables and 1 to 5 criteria")
        for name, other in itertools.permutations(variables, 2):
            # Not a rule of the service, whose order of substitution is not documented.
            if other.startswith(name):
                raise ValueError(f"${name} is also the beginning of ${other}")
        for criterion in criteria:
            if criterion["VariableName"] not in variables:
                raise ValueError(f"the criteria name {criterion['VariableName']}, no variable does")
            if len(criterion.get("Value", "")) > 50:
                raise ValueError(
                    f"the criteria's value {criterion['Value']!r} is over 50 characters"
                )
