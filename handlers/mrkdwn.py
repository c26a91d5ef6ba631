"""Slack's mrkdwn, safe with any text from outside.

Slack has no escape for its marks, and an invisible space beside one makes it work rather than not
(https://github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md, which has the
list of marks, too). So each mark gives way to a character that looks like it and means nothing:
that holds whatever Slack takes for the edge of a word. docs/texts.md has all the rules.

Every ``limit`` counts the escaped text, as the notification service does.
"""

import re
from collections.abc import Iterable

from domain.sanitize import cut, line, size

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_TOKEN = re.compile("&(?:amp|lt|gt);|.", re.DOTALL)

# Names are found by their sign and the name right behind it; what is between them parts them.
_APART = "\u200b"  # zero-width space
_SIGN = re.compile(r"[@\uff20\ufe6b]|(?<![A-Za-z0-9])[#\uff03](?=\S)")
_QUOTE = re.compile(r"^[>\uff1e]")

# Look-alikes are as long as what they stand for (in UTF-16 units), so they can come after a cut.
_QUOTATION_MARK, _ASTERISK, _LOW_LINE = "\u203a", "\u2217", "\u02cd"
_TILDE, _RATIO, _DOT = "\u223c", "\u2236", "\u2024"
_NO_CODE = str.maketrans({"`": "'", "\uff40": "'"})
_MARKS = _NO_CODE | str.maketrans(
    {"*": _ASTERISK, "\uff0a": _ASTERISK, "~": _TILDE, "\uff3f": _LOW_LINE}
)
# Between ASCII letters and digits it means nothing to Slack, and names should survive copying.
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# Of an address (``https:``, ``mailto:``), or of an emoji; not the one in ``Note: this``, nor that
# in ``10:30 UTC`` (at the end of a text, another colon may follow).
_COLON = re.compile(
    r"(?<![0-9]):(?=\S)|:(?![0-9]{2}[^0-9:])(?=\S)|[:\uff1a](?=//|[^\s:\uff1a]+[:\uff1a])"
)
# Before what could be the ending of a host name: all that is sure of one is two letters or more.
_HOST_DOT = re.compile(
    r"(?<=(?<![A-Za-z0-9])www)[.\uff0e\u3002\uff61]|(?<=[^\W_])\.(?=[^\W\d_]{2})"
    r"|(?<=[A-Za-z0-9])[\uff0e\u3002\uff61](?=[A-Za-z]{2})",
    re.IGNORECASE,
)
# Slack's server finds addresses before its clients find code, so they are no better there.
_ADDRESS_IN_CODE = re.compile(r":(?=//)|(?<=(?<![A-Za-z0-9])www)\.", re.IGNORECASE)


def text(value: object, limit: int) -> str:
    """Return ``value`` as running text that formats, mentions and links nothing."""
    plain = _QUOTE.sub(_QUOTATION_MARK, line(value, limit).strip())
    escaped = _escape(_SIGN.sub(rf"\g<0>{_APART}", plain), limit).translate(_MARKS)
    # After the cut: an underscore can stand at the edge of a word only then.
    escaped = _COLON.sub(_RATIO, _UNDERSCORE.sub(_LOW_LINE, escaped))
    return _HOST_DOT.sub(_DOT, escaped)


def code(value: object, limit: int = 100) -> str:
    """Return ``value`` as a code span, exact but for back-ticks, signs of names and addresses."""
    return f"`{_verbatim(line(value, limit).strip(), limit) or '?'}`"


def block(lines: Iterable[str], limit: int) -> str:
    """Return ``lines``, each cut to ``limit``, as a code block."""
    return "\n".join(("```", *(_verbatim(line(row, limit), limit) for row in lines), "```"))


def link(url: str | None, label: str) -> str:
    """Return ``label`` (mrkdwn) as a link; ``url`` comes from ``links``, None links nothing."""
    return f"<{url.replace('&', '&amp;')}|{label}>" if url else label


def _verbatim(plain: str, limit: int) -> str:
    escaped = _escape(plain.translate(_NO_CODE).replace("@", f"@{_APART}"), limit)
    return _ADDRESS_IN_CODE.sub(lambda match: _RATIO if match[0] == ":" else _DOT, escaped)


def _escape(tame: str, limit: int) -> str:
    escaped = tame.translate(_ESCAPES)
    # Half an entity would show, so an entity counts as one character that is cut or kept.
    return escaped if size(escaped) <= limit else cut(_TOKEN.findall(escaped), limit)
