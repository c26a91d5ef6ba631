"""Turns untrusted text (keys, file names, messages, reasons) into one printable line."""

import re

from .invisible import without_invisible

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def size(text: str) -> int:
    """Return the length in UTF-16 code units, which no usual count of characters exceeds."""
    return len(text.encode("utf-16-le")) // 2


def line(value: object, limit: int) -> str:
    """Return ``value`` as one line of at most ``limit`` characters (as ``size`` counts)."""
    whole = str("" if value is None else value)
    # A JSON string may have lone surrogates, which cannot be encoded.
    text = whole[: limit + 1].encode(errors="replace").decode()
    text = _BREAKS.sub(" ", without_invisible(text)).rstrip()
    # Characters that are removed must not hide that the text was cut.
    fits = size(text) <= limit and len(whole) <= limit + 1
    return text if fits else cut(text, limit)


def cut(tokens: str | list[str], limit: int) -> str:
    """Return as many whole ``tokens`` as fit, and an ellipsis."""
    parts: list[str] = []
    room = limit - 1
    for token in tokens:
        room -= size(token)
        if room < 0:
            break
        parts.append(token)
    # A cut through an emoji leaves a dangling joiner.
    return "".join(parts).rstrip("\u200d\ufe0f") + "…"
