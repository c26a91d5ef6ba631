"""Reads clicks on our buttons from events of the chat service's audit log.

The service documents that its log has each command and its user, but not in which fields. So the
command is recognised by its content in any field, and the user by the field names below at any
depth; the time is CloudWatch's. Events that cannot be read in this way are reported, not guessed.
"""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.json_values import as_dict, as_list
from domain.sanitize import line
from domain.scan_id import SCAN_ID

VERBS = ("approve", "reject", "extend", "withdraw")
# In lower case, without "_" and "-"; the first name that an event has is used.
USER = ("slackuserid", "chatuserid", "userid", "user.id", "slackuser.id", "chatuser.id", "user")
NAME = ("slackusername", "chatusername", "username", "userdisplayname", "user.name")

_QUOTED_VERB = re.compile(rf"(?:[\"']|&quot;|&#34;)(?:{'|'.join(VERBS)})\\*[\"'&]")
_COMMAND = re.compile(r"lambda\s+invoke\b.*?--payload\s", re.DOTALL)


class Unreadable(ValueError):
    """A click whose user or command cannot be read; the message has the event's field names."""


@dataclass(frozen=True)
class Action:
    """A button clicked or command typed by ``user``; ``scan`` is valid, but need not exist."""

    scan: str
    verb: str
    reason: str
    user: str
    user_name: str | None


def read(message: str, function: str) -> Action | None:
    """Return the action in a log event, None if it is not a call of ``function``.

    Raises:
        Unreadable: it is one, but the user or the command cannot be read.
    """
    # The log also has all cards and all other commands.
    if function not in message or not _QUOTED_VERB.search(message):
        return None
    fields = _fields(message)
    names = ", ".join(sorted({path.lstrip(".") or "(plain text)" for path, _ in fields}))
    command = next((text for _, text in fields if _COMMAND.search(text)), None)
    if command is None:
        raise Unreadable(names)
    # A chat client may send typed text with HTML escapes.
    parsed = _payload(command) or _payload(html.unescape(command))
    if parsed is None:
        raise Unreadable(names)
    payload, options = parsed
    if not re.search(rf"--function-name[\s=]+\S*(?<![\w-]){re.escape(function)}(?![\w-])", options):
        return None
    scan, verbs = payload.get("scan"), [verb for verb in VERBS if verb in payload]
    if not isinstance(scan, str) or not SCAN_ID.fullmatch(scan) or len(verbs) != 1:
        return None
    answers = payload[verbs[0]]
    reason = next(iter(as_list(answers)), answers)
    if not isinstance(reason, str):
        return None
    users, user_names = _first_values(fields, USER), _first_values(fields, NAME)
    # With two users in one event it is unknown which of them clicked.
    if len(users or user_names) != 1:
        raise Unreadable(names)
    return Action(
        scan=scan,
        verb=verbs[0],
        reason=line(reason.strip(), 300),
        user=line((users or user_names)[0], 100),
        user_name=line(user_names[0], 100) if len(user_names) == 1 else None,
    )


def _payload(command: str) -> tuple[dict[str, Any], str] | None:
    """Return the payload and the command without it: a reason could look like an option."""
    head, _, rest = command.partition("--payload")
    start = rest.find("{")
    if start < 0:
        return None
    try:
        payload, end = json.JSONDecoder().raw_decode(rest, start)
    except (ValueError, RecursionError):
        return None
    return payload, f"{head} {rest[end:]}"


def _fields(message: str) -> list[tuple[str, str]]:
    """Return each text in the event with its path, for example ``(".detail.userid", "U0ADA")``."""
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        event = message
    texts: list[tuple[str, str]] = []
    left: list[tuple[str, Any]] = [("", event)]
    while left:
        path, value = left.pop()
        if isinstance(value, str):
            texts.append((path, value))
        for key, item in as_dict(value).items():
            left.append((f"{path}.{re.sub('[_-]', '', key).lower()}", item))
        left += [(path, item) for item in as_list(value)]
    return texts


def _first_values(fields: Sequence[tuple[str, str]], names: Sequence[str]) -> list[str]:
    """Return the distinct values of the first of ``names`` that the event has."""
    for name in names:
        texts = {text.strip() for path, text in fields if path.endswith(f".{name}")} - {""}
        if texts:
            return sorted(texts)
    return []
