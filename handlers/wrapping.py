"""Wraps plain text into lines that all email clients show unchanged.

RFC 5322, 2.1.1: a line should have at most 78 characters. Only URLs may be longer: they are never
broken, and a longer one has a line of its own.
"""

import textwrap
import unicodedata
from collections.abc import Iterable

WIDTH = 78
_ADDRESS = ("http://", "https://")
_JOINER = "\u200d"


def paragraph(text: str) -> str:
    """Return ``text``, wrapped."""
    return items([text], 0)


def items(texts: Iterable[str], indent: int) -> str:
    """Return ``texts``, each wrapped, with all but its first line indented by ``indent`` spaces."""
    wrapper = textwrap.TextWrapper(
        width=WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapper.fill(_split(text, WIDTH - indent)) for text in texts)


def _split(text: str, width: int) -> str:
    """Return ``text`` with spaces where words must be broken to fit into ``width``."""
    return " ".join(
        word if word.startswith(_ADDRESS) else " ".join(_chunks(word, width))
        for word in text.split(" ")
    )


def _chunks(word: str, width: int) -> Iterable[str]:
    while len(word) > width:
        end = width
        # Do not separate combining characters from the character before them, if possible.
        while end > 1 and (_is_part(word[end]) or word[end - 1] == _JOINER):
            end -= 1
        end = end if end > 1 else width
        yield word[:end]
        word = word[end:]
    yield word


def _is_part(char: str) -> bool:
    """Whether ``char`` belongs to the one before: marks, variation selectors, joiners."""
    return unicodedata.category(char)[0] == "M" or char == _JOINER
