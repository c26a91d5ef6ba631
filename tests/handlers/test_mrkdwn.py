"""Outside text in mrkdwn: shown as it is, alive nowhere."""

import pytest

from handlers import links, moment, mrkdwn, outside

Z = "\u200b"


@pytest.mark.parametrize(
    ("outside_text", "shown"),
    [
        ("snake_case and 2*3*4", "snake_case and 2*3*4"),
        ("*bold*", f"{Z}*{Z}bold{Z}*{Z}"),
        ("__init__", f"{Z}_{Z}{Z}_{Z}init{Z}_{Z}{Z}_{Z}"),
        ("~gone~", f"{Z}~{Z}gone{Z}~{Z}"),
        ("`code` ```block```", "'code' '''block'''"),
        ("<!channel> & &lt;", "&lt;!channel&gt; &amp; &amp;lt;"),
        ("ping @here", f"ping @{Z}here"),
        ("see https://evil.example", f"see https:{Z}//evil.example"),
        (":tada: a.py:12: oops", f":{Z}tada: a.py:12: oops"),
        ("two\r\n\tlines\u2028here", "two lines here"),
        ("fdp.\u202eexe", "fdp.exe"),
        (None, ""),
        (7, "7"),
        ("lone \ud800", "lone ?"),
    ],
)
def test_running_text_formats_mentions_and_links_nothing(outside_text, shown):
    assert mrkdwn.text(outside_text, 100) == shown


def test_a_code_span_cannot_be_left():
    assert mrkdwn.code("a`b<@here>") == f"`a'b&lt;@{Z}here&gt;`"
    assert mrkdwn.code("") == "`?`"


@pytest.mark.parametrize("limit", range(1, 25))
def test_a_cut_never_halves_an_entity_or_a_character(limit):
    cut = mrkdwn.text("a&b<c>😀😀😀😀", limit)

    assert outside.size(cut) <= limit
    whole = "a&amp;b&lt;c&gt;😀😀😀😀"
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1]))
    assert not cut[:-1].endswith(("&", "&a", "&am", "&amp", "&l", "&lt", "&g", "&gt"))


def test_what_is_taken_out_does_not_hide_that_there_is_more():
    assert outside.line("safe.py" + "\u200e" * 20 + ".exe", 10) == "safe.py…"
    assert outside.line("safe.py" + "\u200e", 7) == "safe.py"


def test_a_million_characters_are_cut_at_once():
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


def test_what_is_no_build_has_no_build_page():
    assert links.build("eu-central-1", "") is None
    assert links.build("eu-central-1", "arn:aws:states:eu-central-1:1:execution:a:b") is None


def test_moments_are_written_in_utc_and_said_in_words():
    when = moment.datetime.fromisoformat("2026-12-04T01:05:09.9+02:00")

    assert moment.iso(when) == "2026-12-03T23:05:09Z"
    assert moment.minute("2026-12-03T23:05:09Z") == "3 Dec 2026, 23:05 UTC"
