"""Outside text in mrkdwn is shown literally and never as markup."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import sanitize, timestamps
from handlers import links, mrkdwn

Z = "\u200b"
# The replacement of each mark in running text.
STAR, LOW, TILDE, COLON, DOT, QUOTE = "\u2217", "\u02cd", "\u223c", "\u2236", "\u2024", "\u203a"


@pytest.mark.parametrize(
    ("outside_text", "displayed"),
    [
        ("snake_case at 10:30 UTC", "snake_case at 10:30 UTC"),
        ("at 10:30", f"at 10{COLON}30"),
        ("at 10:30'", f"at 10{COLON}30'"),
        ("Note: version 25.9.0, e.g. this", "Note: version 25.9.0, e.g. this"),
        ("*bold* 2*3*4", f"{STAR}bold{STAR} 2{STAR}3{STAR}4"),
        ("__init__", f"{LOW}{LOW}init{LOW}{LOW}"),
        ("caf\u00e9_x \u0661_a", f"caf\u00e9{LOW}x \u0661{LOW}a"),
        ("~gone~", f"{TILDE}gone{TILDE}"),
        ("\uff0ab\uff0a \uff3fi\uff3f \uff40c\uff40", f"{STAR}b{STAR} {LOW}i{LOW} 'c'"),
        (f"a{Z}*{Z}b{Z}*", f"a{STAR}b{STAR}"),
        ("`code` ```block```", "'code' '''block'''"),
        ("<!channel> & &lt;", "&lt;!channel&gt; &amp; &amp;lt;"),
        ("ping @here or ada@example.com", f"ping @{Z}here or ada@{Z}example{DOT}com"),
        ("\uff20here \ufe6bhere", f"\uff20{Z}here \ufe6b{Z}here"),
        ("in #general, C# and &#39;", f"in #{Z}general, C# and &amp;#{Z}39;"),
        ("see https://evil.example", f"see https{COLON}//evil{DOT}example"),
        ("HTTPS://1.2.3.4/x", f"HTTPS{COLON}//1.2.3.4/x"),
        ("WWW.evil.bank/x", f"WWW{DOT}evil{DOT}bank/x"),
        ("evil\u3002com, \u5b8c\u3002\u65b0", f"evil{DOT}com, \u5b8c\u3002\u65b0"),
        ("\u043c\u0438\u0440.\u0440\u0444", f"\u043c\u0438\u0440{DOT}\u0440\u0444"),
        ("x.xn--p1ai", f"x{DOT}xn--p1ai"),
        ("mailto:a tel:+49", f"mailto{COLON}a tel{COLON}+49"),
        (":tada: 1:100 at 10:30:05", f"{COLON}tada: 1{COLON}100 at 10{COLON}30{COLON}05"),
        ("\uff1atada\uff1a", f"{COLON}tada\uff1a"),
        ("> quoted", f"{QUOTE} quoted"),
        ("\u00a0\u3164>>> quoted", f"{QUOTE}&gt;&gt; quoted"),
        ("\uff1e quoted", f"{QUOTE} quoted"),
        ("two\r\n\tlines\u2028here", "two lines here"),
        ("fdp.\u202eexe", f"fdp{DOT}exe"),
        (None, ""),
        (7, "7"),
        ("lone \ud800", "lone ?"),
    ],
)
def test_running_text_formats_mentions_and_links_nothing(outside_text, displayed):
    assert mrkdwn.text(outside_text, 100) == displayed


MARKS = "*_~`\uff0a\uff3f\uff40@#:.>/\uff1a\uff20\uff03\uff1e\u3002 w1aé\u0661\u65b0&<\u200b\u200d"


@given(
    st.text(st.sampled_from(MARKS) | st.characters(), max_size=60),
    st.integers(1, 80),
)
@example("www.a.bc", 6)
@example("a_bc", 3)
@example("10:30:1", 6)
@example(":\u200d1:", 9)
def test_no_formatting_is_left_in_running_text_wherever_it_is_cut(outside_text, limit):
    displayed = mrkdwn.text(outside_text, limit)

    assert sanitize.size(displayed) <= limit
    assert not re.search("[*~`\uff0a\uff3f\uff40]", displayed)
    assert not re.search("(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", displayed)
    assert not re.search(f"[@\uff20](?!{Z}|\u2026?$)", displayed)
    assert not re.search(r"(?i):(?=//)|www\.|:[^\s:]+:", displayed)
    assert not re.match("&gt;|[>\uff1e]", displayed)


@given(st.text(st.sampled_from(MARKS) | st.characters(), max_size=60), st.integers(1, 80))
def test_any_text_stays_one_code_span(outside_text, limit):
    displayed = mrkdwn.code(outside_text, limit)

    assert displayed[0] == displayed[-1] == "`"
    assert not re.search(r"[`\uff40\n]|:(?=//)|^\s|\s$|^$", displayed[1:-1])


@pytest.mark.parametrize(
    ("outside_text", "displayed"),
    [
        ("a`b<@here>", f"`a'b&lt;@{Z}here&gt;`"),
        ("a\uff40 *b*", "`a' *b*`"),
        ("", "`?`"),
        ("  ", "`?`"),
        (" \u3164x\u3000", "`x`"),
        ("src/a_b.*~:x:#1.py", "`src/a_b.*~:x:#1.py`"),
        ("https://evil.example", f"`https{COLON}//evil.example`"),
        ("www.evil.example", f"`www{DOT}evil.example`"),
        ("awww.js", "`awww.js`"),
    ],
)
def test_a_code_span_cannot_be_left_and_keeps_names_exact(outside_text, displayed):
    assert mrkdwn.code(outside_text) == displayed


def test_a_code_block_keeps_its_indentation_and_cannot_be_left():
    lines = ["  a = *b*", "```", "see http://evil.example"]

    assert mrkdwn.block(lines, 50) == f"```\n  a = *b*\n'''\nsee http{COLON}//evil.example\n```"


@pytest.mark.parametrize("limit", range(1, 25))
def test_a_cut_never_halves_an_entity_or_a_character(limit):
    cut = mrkdwn.text("a&b<c>😀😀😀😀", limit)

    assert sanitize.size(cut) <= limit
    whole = "a&amp;b&lt;c&gt;😀😀😀😀"
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1]))
    assert not cut[:-1].endswith(("&", "&a", "&am", "&amp", "&l", "&lt", "&g", "&gt"))


def test_the_text_after_the_cut_is_sanitized_too():
    assert mrkdwn.text("a_bc", 3) == f"a{LOW}\u2026"
    assert mrkdwn.text("&a_bc", 8) == f"&amp;a{LOW}\u2026"
    assert mrkdwn.text("evil.community", 8) == f"evil{DOT}co\u2026"


def test_a_cut_is_marked_even_if_characters_were_removed():
    assert sanitize.line("safe.py" + "\u200e" * 20 + ".exe", 10) == "safe.py…"
    assert sanitize.line("safe.py" + "\u200e", 7) == "safe.py"


def test_a_million_characters_are_cut_quickly():
    assert len(mrkdwn.text("x&" * 1_000_000, 100)) <= 100


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://sonar.example.com/x?a=1&b=ü#c", "https://sonar.example.com/x?a=1&b=%C3%BC#c"),
        ("https://a.example/%7Cx", "https://a.example/%7Cx"),
        ("https://a.example/|<!here>\"'", "https://a.example/%7C%3C!here%3E%22'"),
        ("https://sonar.example.com@evil.example", "https://sonar.example.com%40evil.example"),
        ("https://a.example/\ud800", "https://a.example/?"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://", None),
        ("https:// x", None),
        ("https://a.example/" + "x" * 500, None),
        ("https://a.example/" + "ü" * 200, None),
        (None, None),
        (7, None),
    ],
)
def test_only_web_addresses_become_links_and_none_leaves_its_markup(url, safe):
    assert links.web(url) == safe


def test_an_ampersand_in_a_link_is_escaped_for_slack():
    assert mrkdwn.link("https://a.example/?a&b", "x") == "<https://a.example/?a&amp;b|x>"
    assert mrkdwn.link(None, "x") == "x"


def test_an_invalid_build_id_has_no_link():
    assert links.build("eu-central-1", "") is None
    assert links.build("eu-central-1", "arn:aws:states:eu-central-1:1:execution:a:b") is None


def test_times_are_written_in_utc_and_formatted_for_people():
    when = timestamps.datetime.fromisoformat("2026-12-04T01:05:09.9+02:00")

    assert timestamps.iso(when) == "2026-12-03T23:05:09Z"
    assert timestamps.minute("2026-12-03T23:05:09Z") == "3 Dec 2026, 23:05 UTC"
