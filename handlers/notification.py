"""Builds custom notifications, which the chat service posts as cards.

The service silently drops notifications that violate its schema, so all are checked here
(https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html). Their text is Slack's
mrkdwn: links are ``<url|text>``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.sanitize import size

TITLE, DESCRIPTION, NEXT_STEP, KEYWORD = 250, 8000, 350, 75

Notification = dict[str, Any]


def notification(
    *,
    scan: str | None,
    title: str,
    body: Sequence[str],
    foot: str,
    next_steps: Sequence[str],
    keywords: Sequence[str],
    buttons: Mapping[str, str] | None = None,
) -> Notification:
    """Return a checked notification in the thread of ``scan``; all texts are mrkdwn.

    Without a ``scan`` it has no thread. If ``body`` is too long, its last lines are left out;
    ``foot`` is kept. ``buttons`` is the context of the custom actions, None for no buttons.
    """
    card: Notification = {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": _fit(body, foot),
            "nextSteps": [step for step in next_steps if step],
            "keywords": [keyword for keyword in keywords if keyword],
        },
        "metadata": {
            **({"threadId": scan} if scan else {}),
            "summary": title,
            "enableCustomActions": buttons is not None,
            # The id of the scan, also in a shared thread.
            "additionalContext": {**({"Scan": scan} if scan else {}), **(buttons or {})},
        },
    }
    check(card)
    return card


def in_thread(card: Notification, thread: str) -> Notification:
    """Return ``card`` in another thread."""
    return {**card, "metadata": {**card["metadata"], "threadId": thread}}


def check(card: Notification) -> None:
    """Raise ValueError, naming the field, if the service would drop ``card``."""
    content, metadata = card["content"], card["metadata"]
    limits = [
        ("title", content["title"], TITLE),
        ("description", content["description"], DESCRIPTION),
        *(("nextSteps", step, NEXT_STEP) for step in content["nextSteps"]),
        *(("keywords", keyword, KEYWORD) for keyword in content["keywords"]),
        *(("additionalContext", text, 1024) for text in metadata["additionalContext"].values()),
    ]
    for field, value, limit in limits:
        if not isinstance(value, str) or not 0 < size(value) <= limit:
            raise ValueError(f"{field} takes 1 to {limit} characters: {value!r}")


def _fit(body: Sequence[str], foot: str) -> str:
    lines = list(body)
    # If even the foot is too long, ``check`` raises.
    while size(text := "\n".join((*lines, "", foot))) > DESCRIPTION and lines != ["…"]:
        lines = [*lines[: -2 if lines[-1] == "…" else -1], "…"]
    return text
