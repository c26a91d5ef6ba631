"""One event of the chat service's audit log, read as a click on our buttons.

The service says that its log has each command and who gave it, but not in which fields. So the
command is known by what it says, in whichever field; the person by the names below, at whatever
depth; and the moment is CloudWatch's own. What cannot be read so is reported, not guessed.
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

VERBS = ("approve", "reject", "withdraw")
# In small letters, without "_" and "-"; the first that an event has is believed.
USER = ("slackuserid", "chatuserid", "userid", "user.id", "slackuser.id", "chatuser.id", "user")
NAME = ("slackusername", "chatusername", "username", "userdisplayname", "user.name")

_QUOTED_VERB = re.compile(rf"(?:[\"']|&quot;|&#34;)(?:{'|'.join(VERBS)})\\*[\"'&]")
_COMMAND = re.compile(r"lambda\s+invoke\b.*?--payload\s", re.DOTALL)


class Unreadable(ValueError):
    """A click that says too little; the message names the event's fields, not what they hold."""


@dataclass(frozen=True)
class Action:
    """What ``user`` clicked, or typed; the scan's id is well-formed, but may be of no scan."""

    scan: str
    verb: str
    reason: str
    user: str
    user_name: str | None


def read(message: str, function: str) -> Action | None:
    """Return the click of ``function`` that a log event tells of, None where it is none.

    Raises:
        Unreadable: it tells of one, but not who approved or what.
    """
    # The log has every card and every other command too.
    if function not in message or not _QUOTED_VERB.search(message):
        return None
    fields = _fields(message)
    names = ", ".join(sorted({path.lstrip(".") or "(plain text)" for path, _ in fields}))
    command = next((text for _, text in fields if _COMMAND.search(text)), None)
    if command is None:
        raise Unreadable(names)
    # A chat client may hand on what was typed with its own escapes.
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
    # Of two people in one event nobody can tell which of them clicked.
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
    """Return the payload and the rest of the command, so that no reason passes for an option."""
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
    """Return (path, text) of each text in the event, as in ``(".detail.userid", "U0ADA")``."""
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
    """Return the different texts of the first of ``names`` that the event has."""
    for name in names:
        texts = {text.strip() for path, text in fields if path.endswith(f".{name}")} - {""}
        if texts:
            return sorted(texts)
    return []
