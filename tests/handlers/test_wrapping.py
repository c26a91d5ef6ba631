"""Lines of an email: 78 characters, unbroken addresses, lists with hanging indents."""

from hypothesis import given
from hypothesis import strategies as st

from handlers import wrapping

URL = "https://sonar.example.com/project/issues?id=payments&open=AZ1" + "x" * 60


def test_lines_break_at_spaces_with_hanging_indents():
    text = wrapping.items(["- " + "word " * 20, "- short"], 2)

    assert text.split("\n") == [
        "- " + "word " * 14 + "word",
        "  " + "word " * 4 + "word",
        "- short",
    ]


def test_an_address_that_is_too_long_has_a_line_of_its_own():
    text = wrapping.items([f"Report: {URL} and more"], 2)

    assert text.split("\n") == ["Report:", f"  {URL}", "  and more"]


def test_an_address_that_fits_stays_in_its_line():
    assert wrapping.paragraph("See https://a.example/x-y now") == "See https://a.example/x-y now"


def test_other_long_words_are_wrapped_without_loss():
    text = wrapping.items(["Name:  " + "x" * 150], 7)

    assert text.split("\n") == ["Name:  " + "x" * 71, " " * 7 + "x" * 71, " " * 7 + "x" * 8]


def test_a_break_does_not_split_a_combined_character():
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    text = wrapping.paragraph("x" * 77 + family + "e\u0301" * 40)

    lines = text.split("\n")
    assert lines[0] == "x" * 77
    assert lines[1] == family + "e\u0301" * 36
    assert lines[2] == "e\u0301" * 4


def test_a_line_ends_even_where_marks_do_not():
    lines = wrapping.paragraph("e" + "\u0301" * 99).split("\n")

    assert lines == ["e" + "\u0301" * 77, "\u0301" * 22]


@given(
    st.lists(st.text(max_size=120) | st.just(URL), max_size=6).map(" ".join),
    st.integers(0, 20),
)
def test_no_line_is_too_long_and_no_character_is_lost(text, indent):
    text = "".join(text.splitlines())
    wrapped = wrapping.items([text], indent)

    for line in wrapped.split("\n"):
        assert len(line) <= 78 or line.strip().startswith(("http://", "https://"))
    assert "".join(wrapped.split()) == "".join(text.split())
