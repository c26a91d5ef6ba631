"""Removes invisible characters that are not part of a word or of an emoji.

These are Default_Ignorable_Code_Point (Unicode's DerivedCoreProperties.txt), which includes the
bidirectional controls (UAX #9), Hangul fillers, variation selectors and tags; and the interlinear
annotations, which are format controls (Cf) as well. Visible format controls, such as the Arabic
number sign, stay.
"""

import re
import unicodedata

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_NON_JOINER, _JOINER, _TEXT_STYLE, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0e", "\ufe0f"
# Scripts whose spelling uses joiners (UAX #31, section 2.3), by the first word of their characters'
# names: cursive ones, and those that form conjuncts.
_JOINED = {
    "ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "PHAGS-PA", "DEVANAGARI", "BENGALI",
    "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER",
    "MYANMAR", "TIBETAN", "BALINESE", "JAVANESE",
}  # fmt: skip
# Scripts that have standardized or ideographic variants (StandardizedVariants.txt, UTS #37).
_VARIED = {"CJK", "MONGOLIAN", "MYANMAR", "PHAGS-PA"}
# Emoji (emoji-variation-sequences.txt) that are not symbols of category So; digits make keycaps.
_OTHER_EMOJI = "\u203c\u2049\u2139\u2194\u25fb\u25fc\u25fd\u25fe\u2934\u2935\u3030"
_KEYCAPS = "0123456789#*"


def without_invisible(text: str) -> str:
    """Return ``text`` without invisible characters.

    A joiner stays after a letter of a script that joins, and between two emoji; one variation
    selector stays after a character with variants. So names in any script stay unchanged.
    """
    return _IGNORABLE.sub(_kept, text)


def _kept(match: re.Match[str]) -> str:
    text, at, mark = match.string, match.start(), match[0]
    before, after = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    if mark in (_NON_JOINER, _JOINER):
        if before == _EMOJI_STYLE:
            before = text[max(at - 2, 0) : at - 1]
        in_emoji = mark == _JOINER and _is_symbol(before) and _is_symbol(after)
        return mark if in_emoji or _script(before) in _JOINED else ""
    return mark if _is_variant(before, mark, after) else ""


def _is_variant(before: str, mark: str, after: str) -> bool:
    """Whether ``mark`` is a variation selector that belongs to the character before it."""
    if not unicodedata.name(mark, "").startswith(
        ("VARIATION SELECTOR", "MONGOLIAN FREE VARIATION", "MONGOLIAN VOWEL SEPARATOR")
    ):
        return False
    if _script(before) in _VARIED:
        return True
    if mark not in (_TEXT_STYLE, _EMOJI_STYLE):
        return False
    keycap = after == "\u20e3" and before != "" and before in _KEYCAPS
    return _is_symbol(before) or keycap


def _script(char: str) -> str:
    """For example ``ARABIC``; empty unless it is a letter or a mark."""
    is_part_of_word = char and unicodedata.category(char)[0] in "LM"
    return unicodedata.name(char, "").partition(" ")[0] if is_part_of_word else ""


def _is_symbol(char: str) -> bool:
    """Whether it could be an emoji; by range for those that this Unicode version lacks."""
    if not char:
        return False
    is_symbol = unicodedata.category(char) == "So" or "\U0001f000" <= char <= "\U0001faff"
    return is_symbol or char in _OTHER_EMOJI
