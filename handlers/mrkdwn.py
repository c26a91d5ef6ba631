"""Slack's mrkdwn, safe with any text from outside.

Every ``limit`` counts the escaped text, as the notification service does.
"""

import re
from collections.abc import Iterable

from handlers.outside import cut, line, size

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'"})
_TOKEN = re.compile("&(?:amp|lt|gt);|.", re.DOTALL)
_BREAK = "\u200b"  # an invisible space
# Inside a word these marks mean nothing to Slack, and names should survive copying.
_MARK = re.compile(r"(?<![^\W_])[*_~]|[*_~](?![^\W_])")
# Bare mentions, emoji and addresses come alive without any markup, a quotation even when escaped.
_LIVE = re.compile(r"@|:(?=[A-Za-z/+-])|^(?=>)")


def text(value: object, limit: int) -> str:
    """Return ``value`` as running text that formats, mentions and links nothing."""
    tame = _LIVE.sub(rf"\g<0>{_BREAK}", line(value, limit).strip())
    return _escape(_MARK.sub(rf"{_BREAK}\g<0>{_BREAK}", tame), limit)


def code(value: object, limit: int = 100) -> str:
    """Return ``value`` as a code span."""
    return f"`{_verbatim(value, limit) or '?'}`"


def block(lines: Iterable[str], limit: int) -> str:
    """Return ``lines``, each cut to ``limit``, as a code block."""
    return "\n".join(("```", *(_verbatim(each, limit) for each in lines), "```"))


def link(url: str | None, label: str) -> str:
    """Return ``label`` (mrkdwn) as a link; ``url`` comes from ``links``, None links nothing."""
    return f"<{url.replace('&', '&amp;')}|{label}>" if url else label


def _verbatim(value: object, limit: int) -> str:
    return _escape(line(value, limit).replace("@", f"@{_BREAK}"), limit)


def _escape(tame: str, limit: int) -> str:
    escaped = tame.translate(_ESCAPES)
    # Half an entity would show, so an entity counts as one character that is cut or kept.
    return escaped if size(escaped) <= limit else cut(_TOKEN.findall(escaped), limit)
