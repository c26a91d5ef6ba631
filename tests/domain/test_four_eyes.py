"""Whether the person who decided is the one who uploaded."""

import pytest

from domain.approvers import Person
from domain.four_eyes import is_uploader
from domain.uploader import Uploader

ADA = Uploader("AWS:AROAEXAMPLE:ada@example.com", "")
CI = Uploader("AWS:AIDAEXAMPLE", "")
SESSION = Uploader("AWS:AROAEXAMPLE:ada.lovelace", "")
CLAIMED = Uploader("AWS:AROAEXAMPLE:build-7", "ada@example.com")


@pytest.mark.parametrize(
    ("person", "uploader", "people"),
    [
        (Person("U0ADA", None), ADA, {"U0ADA": "Ada@Example.com"}),
        (Person("U0ADA", "ADA@example.com"), ADA, {}),
        (Person("ada@example.com", None), ADA, {}),
        (Person("U0ADA", "Ada"), SESSION, {"U0ADA": "ada.lovelace"}),
        (Person("U0ADA", "Ada"), CI, {"U0ADA": "AIDAEXAMPLE"}),
        (Person("U0ADA", "Ada"), CI, {"U0ADA": "AWS:AIDAEXAMPLE"}),
        (Person("U0ADA", "Ada"), CLAIMED, {"U0ADA": "ada@example.com"}),
    ],
    ids=["entry", "name", "id", "session", "user", "whole id", "claim"],
)
def test_an_uploader_is_recognised(person, uploader, people):
    assert is_uploader(person, uploader, people)


@pytest.mark.parametrize(
    ("person", "uploader"),
    [
        (Person("U0BEN", "ben@example.com"), ADA),
        # A display name that is no address was chosen freely.
        (Person("U0BEN", "ada.lovelace"), SESSION),
        (Person("U0BEN", None), Uploader("", "")),
        (Person("U0BEN", ""), ADA),
    ],
    ids=["another address", "display name", "unknown", "no name"],
)
def test_others_are_not_taken_for_the_uploader(person, uploader):
    assert not is_uploader(person, uploader, {"U0ADA": "ada@example.com", "U0BEN": ""})
