"""Invisible characters are removed from names, and printable names do not change."""

import unicodedata

import pytest

from domain import sanitize
from domain.invisible import without_invisible


@pytest.mark.parametrize(
    "name",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.py",  # Persian, with a non-joiner
        "\u0647\u200d. 1403",  # Persian abbreviation, with a joiner at its end
        "\u0915\u094d\u200d\u0937",  # Devanagari
        "\u09b0\u200d\u09cd\u09af\u09be\u09aa",  # Bengali: a joiner before the virama
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: Sri
        "\u182e\u180b\u1820\u180e\u1820",  # Mongolian, with a variant and a vowel separator
        "\u845b\U000e0100\u57ce",  # a Japanese name, with an ideographic variant
        "\u2764\ufe0f.py",
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f469\U0001f3fd\u200d\U0001f4bb",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f642\u200d\u2194\ufe0f",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467/1\ufe0f\u20e3",
        "\u2139\ufe0f \u203c\ufe0f \u00a9\ufe0e",
        "\u0600\u0661 \u05e9\u05dc\u05d5\u05dd caf\u0065\u0301",
    ],
    ids=ascii,
)
def test_a_printable_name_stays_what_it_is(name):
    assert sanitize.line(name, 100) == name


@pytest.mark.parametrize(
    ("name", "displayed"),
    [
        ("pay\u200dment\u200cs", "payments"),
        ("a\ufe0f\ufe00b", "ab"),
        ("\u00e9\ufe0f", "\u00e9"),
        ("1\ufe0f2", "12"),
        ("\uff1e\ufe0f\u222b\ufe0f", "\uff1e\u222b"),
        ("x\U000e0041\U000e0042\U000e007f", "x"),
        ("\u115f\u1160\u3164\uffa0", ""),
        ("a\u00adb\u034fc\u2060d\ufeffe\u180ef", "abcdef"),
        ("\u061ca\u200eb\u200fc\u202ed\u2066e\u2069", "abcde"),
        ("\U0001f469\u200d", "\U0001f469"),
        ("\u200d\U0001f469 \u200c\u0628", "\U0001f469 \u0628"),
        ("\u0627\u200c\u200d\u200c\u0628", "\u0627\u200c\u0628"),
        ("\U0001f600" + "".join(map(chr, range(0xFE00, 0xFE10))), "\U0001f600"),
        ("\u845b\U000e0100\U000e0101", "\u845b\U000e0100"),
        ("a\ufff9b\ufffac\ufffb", "abc"),
    ],
    ids=ascii,
)
def test_invisible_characters_are_removed(name, displayed):
    assert sanitize.line(name, 100) == displayed


def test_only_printing_format_controls_are_left():
    left = {
        unicodedata.name(char, "").split()[0]
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) == "Cf" and without_invisible(char)
    }

    assert left == {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"}
    assert without_invisible("\u061c") == ""


def test_a_cut_through_an_emoji_leaves_nothing_invisible():
    assert sanitize.line("\U0001f469\u200d\U0001f469\u200d\U0001f467", 4) == "\U0001f469\u2026"
    assert sanitize.line("x\u2764\ufe0f\u2764\ufe0f", 4) == "x\u2764\u2026"
