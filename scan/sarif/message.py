"""The text of a SARIF message (3.11)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 1000
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,9})\}")


def message(stated: Mapping[str, Any], *texts: Mapping[str, Any]) -> str:
    """The message's own text, else the one for its id in the first of ``texts`` that has it.

    In one line; empty if there is no text.
    """
    arguments = stated.get("arguments") or []
    text = stated.get("text") or stated.get("markdown")
    is_form = bool(arguments)
    if not text and "id" in stated:
        form = next((text[stated["id"]] for text in texts if stated["id"] in text), {})
        text, is_form = form.get("text") or form.get("markdown"), True
    filled = _filled(str(text or ""), arguments) if is_form else str(text or "")
    return " ".join(filled.split())[:LONGEST]


def _filled(text: str, arguments: Sequence[Any]) -> str:
    """3.11.5: ``{0}`` is the first argument, ``{{`` is a brace."""

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        number = int(match[1])
        return str(arguments[number]) if number < len(arguments) else match[0]

    return PLACEHOLDER.sub(fill, text)
