"""Texts that try to inject markup into a card or an email."""

import random

Z, ZWJ, VS16 = "\u200b", "\u200d", "\ufe0f"

# Each is one known kind of injection.
NASTY = {
    "bold by invisible spaces": f"a{Z}*{Z}bold{Z}*{Z}b",
    "bold that an inner mark ends": "x* not bold *y* bold",
    "full-width marks": "\uff0abold\uff0a \uff3fit\uff3f \uff40code\uff40",
    "marks beside letters of other scripts": "\u65b0*b*\u65b0 \u0661_i_\u0661 \u00e9~s~\u00e9",
    "a tilde that ends after a space": "~5 or ~6",
    "a code span that ends another": "a` *b* `c",
    "a code block that ends another": "```\n<!channel>\n```",
    "full-width back-ticks in code": "a\uff40*b*\uff40c",
    "blanks at the edges of code": "\u3000 *b* \u2003",
    "a call in escaped markup": "&lt;!channel&gt; <!here> <!subteam^S1|x>",
    "a call by name": "(@channel) @everyone\u3002@here",
    "a call with a full-width sign": "\uff20here \ufe6bchannel",
    "a channel by name": "#general, \uff03general",
    "an address in code": "https://evil.example/`https://evil.example`",
    "an address in capitals": "HTTPS://EVIL.EXAMPLE WWW.EVIL.EXAMPLE",
    "a bare host name": "evil.com evil.bank/login \u043c\u0438\u0440.\u0440\u0444 x.xn--p1ai",
    "a host name with ideographic dots": "www\u3002evil\uff0ecom evil\uff61com",
    "a host name behind an invisible one": f"evil{Z}.com ev{ZWJ}il.com www{Z}.evil.com",
    "mail and telephone": "mailto:eve@evil.com tel:+4930123456",
    "a link in markup of another kind": "[Report](https://evil.example) "
    "<https://evil.example|Report>",
    "an address that breaks out of a link": "x|<https://evil.example|Report>>",
    "a quotation": ">>> all of it",
    "a quotation in full width": "\uff1e all of it",
    "a quotation behind what nobody sees": f"{Z}\u3164\u2060> all of it",
    "an emoji": ":tada: :+1: 1:100: :\u0645\u0627: \uff1atada\uff1a",
    "an emoji that a cut makes": "x" * 297 + ":1:",
    "a host name that a cut makes": "x" * 293 + "a.community",
    "a list": "- a\n* b\n1. c",
    "a date in markup": "<!date^0^{date}^https://evil.example|x>",
    "right to left": "\u202egpj.exe\u202c \u061c\u2067x\u2069",
    "letters that nobody sees": "pay\u00adment\u115f\u3164s\U000e0041\ufe0f",
    "selectors that hide bytes": "\U0001f600" + "".join(map(chr, range(0xE0100, 0xE0140))),
    "half a character": "\ud83d \udc00",
    "a header": "x\r\nBcc: eve@evil.example\r\n\r\n<b>",
    "a header in other line breaks": "x\x0bBcc: a@b\x0cTo: c@d\x85Cc: e@f\u2028Subject: g",
    "an encoded word": "=?utf-8?q?=0D=0ABcc=3A_eve=40evil=2Eexample?=",
    "a part of a mail": "--===============1==\r\nContent-Type: text/html\r\n\r\n<script>",
    "lines of SMTP": ".\r\nQUIT\r\n.",
    "tags": "</td></title></style><script>alert(1)</script><img src=x onerror=alert(1)>",
    "an attribute": '" onmouseover="alert(1)" x=\'',
    "an entity": "&#60;b&#62; &lt;b&gt; &amp;lt;",
    "a word without an end": "x" * 5000,
    "marks without an end": "e" + "\u0301" * 5000,
    "nothing": "",
    "nothing that is seen": f"{Z}\u2060\u3164",
}
# fmt: off
_MARKS = [
    *"*_~`>|<&@#:.-=\"'", "```", "**", "__", "~~", ">>>", "://", "\uff0a", "\uff3f", "\uff40",
    "\uff1e", "\uff20", "\ufe6b", "\uff03", "\uff1a", "\uff0e", "\u3002", "\uff1c", "\uff06",
]
_LIVE = [
    "<!here>", "<!channel|x>", "<@U012AB3CD>", "<#C1|general>", "<!subteam^S1>", "@here",
    "@channel", "@everyone", "@group", "#general", ":tada:", ":+1:", ":100:",
    "https://evil.example/a_b*c", "http://1.2.3.4", "www.evil.example", "evil.com", "evil.co.uk",
    "xn--e1afmkfd.xn--p1ai", "ftp://evil.example", "mailto:eve@evil.example", "tel:+49",
    "slack://open", "javascript:alert(1)", "<https://evil.example|Report>", "[a](http://b.cc)",
    "<b>", "</p>", "<img src=x>", "&lt;b&gt;", "&#x3c;", "Bcc: eve@evil.example", "=?utf-8?q?=0A?=",
]
_UNSEEN = [
    Z, ZWJ, VS16, "\u200c", "\u00ad", "\u2060", "\ufeff", "\u202e", "\u2066", "\u2069", "\u061c",
    "\u3164", "\u115f", "\U000e0041", "\U000e0101", "\u034f", "\n", "\r\n", "\t", "\x00", "\x85",
    "\u2028", "\ud800", "\u00a0", "\u3000",
]
_WORDS = [
    "total", "snake_case", "x2", "Zürich", "\u041f\u0440\u0438\u0432\u0435\u0442",
    "\u65b0\u3057\u3044", "\ud55c\uad6d", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u05e9\u05dc\u05d5\u05dd", "\u0915\u094d\u200d\u0937", "\u0661\u0662", "\uff11\uff12",
    "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", "25.9.0", "10:30", "store.py", "e\u0301",
]
# fmt: on


def texts(number: int, seed: int) -> list[str]:
    """Return ``number`` texts, the same for the same ``seed``."""
    choose = random.Random(seed)
    return [_text(choose) for _ in range(number)]


def _text(choose: random.Random) -> str:
    """A few random fragments, some of them between two marks; half of the time without spaces."""
    glue = choose.choice(["", "", " ", choose.choice(_UNSEEN)])
    parts = []
    for _ in range(choose.randint(1, 6)):
        chunk = choose.choice(choose.choice([_MARKS, _LIVE, _UNSEEN, _WORDS, list(NASTY.values())]))
        if choose.random() < 0.3:
            mark = choose.choice(_MARKS)
            near = choose.choice(["", choose.choice(_UNSEEN)])
            chunk = f"{near}{mark}{near}{chunk}{near}{mark}{near}"
        parts.append(chunk[:400])
    return glue.join(parts)
