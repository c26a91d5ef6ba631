"""Parses Slack's mrkdwn into plain data that a terminal and a page can both render.

A block is ``{"kind": "text" | "quote" | "code", "spans": [...]}``, for a line or a code block;
a span is ``{"text"}`` with any of ``bold``, ``italic``, ``strike``, ``code``, ``mention``,
``emoji``, which are True, and ``href`` (http, https or mailto). Texts contain no markup.

Where Slack's behaviour is unknown, the markup is assumed to take effect. Sources of the rules:

[format] https://docs.slack.dev/messaging/formatting-message-text
[jsx] https://github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md
[tilde] https://github.com/gastownhall/gascity-packs/pull/337
[edge] https://github.com/Sorunome/slack-markdown/issues/4
[code] https://github.com/bitrise-steplib/steps-slack-message/issues/7
"""

import re
from collections.abc import Mapping
from typing import Any

Span = dict[str, Any]
Block = dict[str, Any]

# [format], "Code blocks".
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
# [format], "Block quotes"; [jsx] has the full-width sign.
_QUOTED = re.compile(r"(?:>|&gt;|\uff1e)\s?")


def _styled(marks: str, end: str = r"(?<=\S)") -> str:
    """The pattern of a style, which cannot begin inside a word ([jsx]) but can end in one ([edge]).

    An invisible space ends a word ([jsx]). Only ASCII letters and digits surely belong to one.
    """
    return rf"(?<![A-Za-z0-9])[{marks}](?=\S)([^{marks}\n]+){end}[{marks}]"


_INLINE = re.compile(
    "|".join(
        (
            r"[`\uff40]([^`\uff40\n]+)[`\uff40]",  # [format], "Code blocks"; [jsx]: full width
            r"<([^<>|\n]+)(?:\|([^<>\n]*))?>",  # [format], "Links", "Mentioning users", ...
            _styled(r"*\uff0a"),  # [format], "Visual basics"; [jsx]: full width
            _styled(r"_\uff3f"),
            _styled("~", end=""),  # [tilde]: its end may have a space before it
        )
    )
)
_STYLES = ("bold", "italic", "strike")
# [format], "Links": the server finds addresses by their scheme, or by ``www.``.
_ADDRESS = r"(?<![A-Za-z0-9])((?:https?://|www\.)[^\s<>]+)"
# [format], "Special mentions", "Automatic parsing".
_CALL = r"@(?:here|channel|everyone|group)\b"
_CHANNEL = r"#[\w-]+"
# [format], "Emoji"; the characters: https://github.com/yhatt/jsx-slack/issues/98.
_EMOJI = r"(:[\w+'-]+:)"
_FOUND = re.compile(rf"{_ADDRESS}|(?<![A-Za-z0-9])({_CALL}|{_CHANNEL})|{_EMOJI}", re.IGNORECASE)
# [code]: Slack's server also links addresses in code, since it does not parse code; perhaps it
# detects special mentions there, too.
_FOUND_IN_CODE = re.compile(rf"{_ADDRESS}|(?<![A-Za-z0-9])({_CALL})", re.IGNORECASE)


def parse(text: str, members: Mapping[str, str] | None = None) -> list[Block]:
    """Return the blocks of ``text``; ``members`` names people by their Slack id."""
    blocks: list[Block] = []
    for position, part in enumerate(_FENCE.split(text)):
        if position % 2:
            blocks.append({"kind": "code", "spans": _plain(part, _FOUND_IN_CODE)})
            continue
        # The line breaks around a code block belong to it.
        lines = part.split("\n")
        if position and lines[0] == "":
            lines = lines[1:]
        for line in lines:
            quoted = _QUOTED.match(line)
            blocks.append(
                {
                    "kind": "quote" if quoted else "text",
                    "spans": spans(line[quoted.end() :] if quoted else line, members),
                }
            )
    return blocks


def spans(text: str, members: Mapping[str, str] | None = None) -> list[Span]:
    """Return the spans of one line."""
    parsed_spans: list[Span] = []
    end = 0
    for match in _INLINE.finditer(text):
        parsed_spans += _plain(text[end : match.start()], _FOUND)
        end = match.end()
        code, target, label, *styled = match.groups()
        if code is not None:
            parsed_spans += [{**span, "code": True} for span in _plain(code, _FOUND_IN_CODE)]
        elif target is not None:
            parsed_spans += _angled(target, label, match[0], members or {})
        else:
            style, inner = next(
                (name, content)
                for name, content in zip(_STYLES, styled, strict=True)
                if content is not None
            )
            parsed_spans += [{**span, style: True} for span in spans(inner, members)]
    return parsed_spans + _plain(text[end:], _FOUND)


def unescaped(text: str) -> str:
    """Return ``text`` with Slack's three entities decoded."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(text: str, rules: re.Pattern[str]) -> list[Span]:
    """Text without markup, and within it what Slack detects by ``rules``."""
    parsed_spans: list[Span] = []
    end = 0
    for match in rules.finditer(text):
        parsed_spans += (
            [{"text": unescaped(text[end : match.start()])}] if match.start() > end else []
        )
        end = match.end()
        span: Span = {"text": unescaped(match[0])}
        if match[1]:
            scheme = "http://" if span["text"][:4].lower() == "www." else ""
            parsed_spans.append({**span, "href": scheme + span["text"]})
        else:
            parsed_spans.append({**span, ("mention" if match[2] else "emoji"): True})
    return parsed_spans + ([{"text": unescaped(text[end:])}] if end < len(text) else [])


def _angled(target: str, label: str | None, whole: str, members: Mapping[str, str]) -> list[Span]:
    """Links, mentions of people and channels, and special mentions such as ``<!here>``."""
    if re.match(r"(?:https?://|mailto:)", target):
        href = unescaped(target)
        return [{**span, "href": href} for span in spans(label or target)]
    if target[0] == "@":
        return [{"text": f"@{label or members.get(target[1:], target[1:])}", "mention": True}]
    if target[0] in "!#":
        sign = "@" if target[0] == "!" else "#"
        return [{"text": f"{sign}{unescaped(label or target[1:])}", "mention": True}]
    return [{"text": unescaped(whole)}]
