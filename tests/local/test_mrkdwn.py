"""Slack's mrkdwn as a page and a terminal show it: each rule that its docstring names a source for.

Where an invisible space is the edge of a word, a mark beside it works; so what the handlers write
can't be safe because this reading agrees with them.
"""

import pytest

from local.mrkdwn import parse, spans

Z = "\u200b"


def styled(text):
    """The spans of ``text``, each as its text and what it is besides a text."""
    return [(span["text"], "".join(key for key in span if key != "text")) for span in spans(text)]


@pytest.mark.parametrize(
    ("text", "buttons_of"),
    [
        ("*bold* _it_", [("bold", "bold"), (" ", ""), ("it", "italic")]),
        ("~no~", [("no", "strike")]),
        ("snake_case_name 2*3*4", [("snake_case_name 2*3*4", "")]),
        ("`a *b* <c>`", [("a *b* <c>", "code")]),
        ("1 &lt; 2 &amp;lt;", [("1 < 2 &lt;", "")]),
        ("<!here> <#C1|ops>", [("@here", "mention"), (" ", ""), ("#ops", "mention")]),
        ("<javascript:alert(1)|x>", [("<javascript:alert(1)|x>", "")]),
    ],
)  # fmt: skip
def test_a_line_is_read_as_slack_reads_it(text, buttons_of):
    assert styled(text) == buttons_of


@pytest.mark.parametrize(
    ("text", "buttons_of"),
    [
        (f"a{Z}*b*{Z}c", [(f"a{Z}", ""), ("b", "bold"), (f"{Z}c", "")]),
        (f"*{Z}b{Z}*", [(f"{Z}b{Z}", "bold")]),
        (f"{Z}~{Z}s{Z}~{Z}", [(Z, ""), (f"{Z}s{Z}", "strike"), (Z, "")]),
        ("(*b*)", [("(", ""), ("b", "bold"), (")", "")]),
        ("é_i_", [("é", ""), ("i", "italic")]),
        ("\uff11*b*", [("\uff11", ""), ("b", "bold")]),
        ("_this is_regular", [("this is", "italic"), ("regular", "")]),
        ("~$5k or ~$7k", [("$5k or ", "strike"), ("$7k", "")]),
        ("\uff0ab\uff0a", [("b", "bold")]),
        ("\uff3fi\uff3f", [("i", "italic")]),
        ("\uff40c\uff40", [("c", "code")]),
    ],
)  # fmt: skip
def test_a_mark_is_formatting_unless_a_source_says_otherwise(text, buttons_of):
    assert styled(text) == buttons_of


@pytest.mark.parametrize(
    ("text", "buttons_of"),
    [
        ("see https://evil.example/x?a&amp;b", ["https://evil.example/x?a&b"]),
        ("www.evil.example", ["http://www.evil.example"]),
        ("`https://evil.example`", ["https://evil.example"]),
        ("nothttps://evil.example", []),
    ],
)
def test_a_bare_address_is_a_link_even_in_code(text, buttons_of):
    assert [span["href"] for span in spans(text) if "href" in span] == buttons_of


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("to @here", ["", "mention"]),
        ("in #general", ["", "mention"]),
        (":tada:", ["emoji"]),
        ("at 10:30, C# and ada@here", [""]),
        ("`:tada: #general`", ["code"]),
        ("`@here`", ["mentioncode"]),
    ],
)
def test_names_and_emoji_are_found_without_markup(text, kinds):
    assert [kind for _, kind in styled(text)] == kinds


def test_a_link_keeps_the_style_of_its_label():
    assert spans("<https://x.example/?a&amp;b|`f.py:1`>") == [
        {"text": "f.py:1", "code": True, "href": "https://x.example/?a&b"}
    ]


def test_a_member_is_named():
    assert spans("<@U1> <@U2>", {"U1": "Ada"}) == [
        {"text": "@Ada", "mention": True},
        {"text": " "},
        {"text": "@U2", "mention": True},
    ]


def test_code_blocks_and_quotes_are_blocks_of_their_own():
    parsed = parse("a\n```\n*x* &lt;\n```\n&gt; q\n\uff1e w")
    kinds = [(item["kind"], item["spans"]) for item in parsed]

    assert kinds == [
        ("text", [{"text": "a"}]),
        ("text", []),
        ("code", [{"text": "*x* <"}]),
        ("quote", [{"text": "q"}]),
        ("quote", [{"text": "w"}]),
    ]
