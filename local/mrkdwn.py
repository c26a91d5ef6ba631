"""Slack's mrkdwn, read into plain data that a terminal and a page can both show.

A block is ``{"kind": "text" | "quote" | "code", "spans": [...]}``, for a line or a code block;
a span is ``{"text"}`` with any of ``bold``, ``italic``, ``strike``, ``code``, ``mention``, which
are True, and ``href`` (http, https or mailto). Texts are plain: nothing is markup any more.
Rules: https://api.slack.com/reference/surfaces/formatting
"""

import re
from collections.abc import Mapping
from typing import Any

Span = dict[str, Any]
Block = dict[str, Any]

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)


def _styled(mark: str) -> str:
    """A mark works at the edges of words only; an invisible space is no part of a word."""
    inked = rf"[^\s\u200b{mark}]"
    return rf"(?<![\w{mark}]){mark}(?={inked})([^{mark}\n]*{inked}){mark}(?![\w{mark}])"


_INLINE = re.compile(
    "|".join(
        (
            r"`([^`\n]+)`",
            r"<([^<>|\n]+)(?:\|([^<>\n]*))?>",
            _styled(r"\*"),
            _styled("_"),
            _styled("~"),
        )
    )
)
_STYLES = ("bold", "italic", "strike")


def parse(text: str, members: Mapping[str, str] | None = None) -> list[Block]:
    """Return the blocks of ``text``; ``members`` names people by their Slack id."""
    blocks: list[Block] = []
    for position, part in enumerate(_FENCE.split(text)):
        if position % 2:
            blocks.append({"kind": "code", "spans": [{"text": unescaped(part)}]})
            continue
        # The line breaks around a code block belong to it.
        lines = part.split("\n")
        if position and lines[0] == "":
            lines = lines[1:]
        for line in lines:
            quoted = re.match(r"(?:>|&gt;)\s?", line)
            blocks.append(
                {
                    "kind": "quote" if quoted else "text",
                    "spans": spans(line[quoted.end() :] if quoted else line, members),
                }
            )
    return blocks


def spans(text: str, members: Mapping[str, str] | None = None) -> list[Span]:
    """Return the spans of one line."""
    found: list[Span] = []
    end = 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            found.append({"text": unescaped(text[end : match.start()])})
        end = match.end()
        code, target, label, *styled = match.groups()
        if code is not None:
            found.append({"text": unescaped(code), "code": True})
        elif target is not None:
            found += _angled(target, label, match[0], members or {})
        else:
            style, inner = next(
                (name, each) for name, each in zip(_STYLES, styled, strict=True) if each is not None
            )
            found += [{**span, style: True} for span in spans(inner, members)]
    if end < len(text):
        found.append({"text": unescaped(text[end:])})
    return found


def unescaped(text: str) -> str:
    """Return ``text`` with Slack's three entities as the characters that they stand for."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _angled(target: str, label: str | None, whole: str, members: Mapping[str, str]) -> list[Span]:
    """Links, mentions of people and channels, and calls such as ``<!here>``."""
    if re.match(r"(?:https?://|mailto:)", target):
        href = unescaped(target)
        return [{**span, "href": href} for span in spans(label or target)]
    if target[0] == "@":
        return [{"text": f"@{label or members.get(target[1:], target[1:])}", "mention": True}]
    if target[0] in "!#":
        sign = "@" if target[0] == "!" else "#"
        return [{"text": f"{sign}{unescaped(label or target[1:])}", "mention": True}]
    return [{"text": unescaped(whole)}]
