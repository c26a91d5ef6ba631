"""Writes untrusted text as Slack's mrkdwn.

Slack has no escape for its formatting marks, and an invisible space beside a mark can activate it
(https://github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md, with the list of
marks). So each mark is replaced by a similar character without a function, which is independent of
Slack's rules for word boundaries. docs/texts.md has all the rules.

Every ``limit`` applies to the escaped text, as the notification service counts.
"""

import re
from collections.abc import Iterable

from domain.sanitize import cut, line, size

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_TOKEN = re.compile("&(?:amp|lt|gt);|.", re.DOTALL)

# Slack links a name only directly after its sign, so a character between them prevents that.
_APART = "\u200b"  # zero-width space
_SIGN = re.compile(r"[@\uff20\ufe6b]|(?<![A-Za-z0-9])[#\uff03](?=\S)")
_QUOTE = re.compile(r"^[>\uff1e]")

# Replacements have the length of the original (in UTF-16 units), so they can follow a cut.
_QUOTATION_MARK, _ASTERISK, _LOW_LINE = "\u203a", "\u2217", "\u02cd"
_TILDE, _RATIO, _DOT = "\u223c", "\u2236", "\u2024"
_NO_CODE = str.maketrans({"`": "'", "\uff40": "'"})
_MARKS = _NO_CODE | str.maketrans(
    {"*": _ASTERISK, "\uff0a": _ASTERISK, "~": _TILDE, "\uff3f": _LOW_LINE}
)
# Between ASCII letters and digits Slack ignores it; there it stays, so that names can be copied.
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# The colon of a URL (``https:``, ``mailto:``) or an emoji; not that of ``Note: this`` or
# ``10:30 UTC`` (at the end of a text, another colon may follow, and an emoji's name may begin with
# digits and go on with other characters).
_COLON = re.compile(
    r"(?<![0-9]):(?=\S)|:(?![0-9]{2}[\s.,;)])(?=\S)|[:\uff1a](?=//|[^\s:\uff1a]+[:\uff1a])"
)
# The dot before a possible top-level domain, which has at least two letters.
_HOST_DOT = re.compile(
    r"(?<=(?<![A-Za-z0-9])www)[.\uff0e\u3002\uff61]|(?<=[^\W_])\.(?=[^\W\d_]{2})"
    r"|(?<=[A-Za-z0-9])[\uff0e\u3002\uff61](?=[A-Za-z]{2})",
    re.IGNORECASE,
)
# Slack's server links URLs before its clients parse code spans, so URLs in code are linked, too.
_ADDRESS_IN_CODE = re.compile(r":(?=//)|(?<=(?<![A-Za-z0-9])www)\.", re.IGNORECASE)


def text(value: object, limit: int) -> str:
    """Return ``value`` as text without formatting, mentions and links."""
    plain = _QUOTE.sub(_QUOTATION_MARK, line(value, limit).strip())
    escaped = _escape(_SIGN.sub(rf"\g<0>{_APART}", plain), limit).translate(_MARKS)
    # After the cut, which can move an underscore to the end of a word.
    escaped = _COLON.sub(_RATIO, _UNDERSCORE.sub(_LOW_LINE, escaped))
    return _HOST_DOT.sub(_DOT, escaped)


def code(value: object, limit: int = 100) -> str:
    """Return ``value`` as a code span, unchanged except for back-ticks, mentions and URLs."""
    return f"`{_verbatim(line(value, limit).strip(), limit) or '?'}`"


def block(lines: Iterable[str], limit: int) -> str:
    """Return ``lines``, each cut to ``limit``, as a code block."""
    return "\n".join(("```", *(_verbatim(line(row, limit), limit) for row in lines), "```"))


def link(url: str | None, label: str) -> str:
    """Return ``label`` (mrkdwn) as a link to ``url``, made by ``links``; unchanged without one."""
    return f"<{url.replace('&', '&amp;')}|{label}>" if url else label


def _verbatim(plain: str, limit: int) -> str:
    escaped = _escape(plain.translate(_NO_CODE).replace("@", f"@{_APART}"), limit)
    return _ADDRESS_IN_CODE.sub(lambda match: _RATIO if match[0] == ":" else _DOT, escaped)


def _escape(tame: str, limit: int) -> str:
    escaped = tame.translate(_ESCAPES)
    # Cut only between entities: a partial one would be visible.
    return escaped if size(escaped) <= limit else cut(_TOKEN.findall(escaped), limit)
