"""Slack's mrkdwn as a page and a terminal show it."""

import pytest

from local.mrkdwn import parse, spans

QUIET = "\u200b*\u200b"  # as the handlers write a star that means nothing


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_", [("bold", "bold"), (" ", ""), ("it", "italic")]),
        ("~no~", [("no", "strike")]),
        ("snake_case_name 2*3*4", [("snake_case_name 2*3*4", "")]),
        (f"{QUIET}a{QUIET}", [(f"{QUIET}a{QUIET}", "")]),
        ("`a *b* <c>`", [("a *b* <c>", "code")]),
        ("1 &lt; 2 &amp;lt;", [("1 < 2 &lt;", "")]),
        ("<!here> <#C1|ops>", [("@here", "mention"), (" ", ""), ("#ops", "mention")]),
        ("<javascript:alert(1)|x>", [("<javascript:alert(1)|x>", "")]),
    ],
)  # fmt: skip
def test_a_line_is_read_as_slack_reads_it(text, shown):
    def style(span):
        return next((key for key in span if key != "text"), "")

    assert [(each["text"], style(each)) for each in spans(text)] == shown


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
    kinds = [(each["kind"], each["spans"]) for each in parse("a\n```\n*x* &lt;\n```\n&gt; q")]

    assert kinds == [
        ("text", [{"text": "a"}]),
        ("text", []),
        ("code", [{"text": "*x* <"}]),
        ("quote", [{"text": "q"}]),
    ]
