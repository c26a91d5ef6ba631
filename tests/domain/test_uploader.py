"""Who uploaded is said as S3 recorded it, and apart from what the upload says of itself."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import email_address, report, uploader
from domain.uploader import Uploader

EVENTS = Path(__file__).parents[1] / "events"
ROLE, USER = "AROAEXAMPLE3K7QW2Z4LM", "AIDAEXAMPLE3K7QW2Z4LM"


@pytest.mark.parametrize(
    ("principal_id", "text", "address"),
    [
        (f"AWS:{ROLE}:ada@example.com", f"ada@example.com (role {ROLE})", "ada@example.com"),
        (f"AWS:{ROLE}:build-417", f"role {ROLE}, session build-417", ""),
        (f"AWS:{ROLE}:i-0abc", f"role {ROLE}, session i-0abc", ""),
        (f"AWS:{ROLE}:user=ada@example.com", f"role {ROLE}, session user=ada@example.com", ""),
        (f"AWS:{ROLE}:a:b@example.com", f"role {ROLE}, session a:b@example.com", ""),
        (f"AWS:{ROLE}", f"AWS:{ROLE}", ""),
        (f"AWS:{ROLE}:", f"AWS:{ROLE}:", ""),
        (f"AWS:{USER}", f"IAM user {USER}", ""),
        (f"AWS:{USER}:ada@example.com", f"AWS:{USER}:ada@example.com", ""),
        ("AWS:123456789012", "AWS:123456789012", ""),
        ("AWS:123456789012:ada@example.com", "AWS:123456789012:ada@example.com", ""),
        ("A3NL1KOZZKEXAM", "A3NL1KOZZKEXAM", ""),
        ("s3-replication.amazonaws.com", "s3-replication.amazonaws.com", ""),
        ("ada@example.com", "ada@example.com", ""),
        ("AWS:", "not recorded", ""),
        ("", "not recorded", ""),
    ],
    ids=[
        "a person", "a pipeline", "a machine", "almost an address", "a colon", "a role alone",
        "no session", "a user", "no user", "an account", "a federated user", "a customer",
        "a service", "nothing of IAM", "nobody", "not recorded",
    ],
)  # fmt: skip
def test_a_principal_is_named_as_what_it_is(principal_id: str, text: str, address: str):
    by = Uploader(principal_id, claim="")

    assert (str(by), by.address) == (text, address)


@given(st.text(max_size=40))
def test_only_an_address_stands_before_the_role(session: str):
    text = str(Uploader(f"AWS:{ROLE}:{session}", claim=""))

    is_address = bool(email_address.address(session))
    assert (text == f"{session} (role {ROLE})") == is_address
    assert is_address or text.startswith((f"role {ROLE}, session ", f"AWS:{ROLE}"))


@pytest.mark.parametrize(
    ("session", "claim", "other_claim", "addresses"),
    [
        ("ada@example.com", "", "", ("ada@example.com",)),
        ("ada@example.com", "Ada@Example.com", "", ("ada@example.com", "Ada@Example.com")),
        ("ada@example.com", "eve@example.com", "eve@example.com",
         ("ada@example.com", "eve@example.com")),
        ("build", "ada@example.com", "ada@example.com", ("ada@example.com",)),
        ("build", "", "", ()),
    ],
)  # fmt: skip
def test_a_claim_stays_a_claim_and_comes_second(session, claim, other_claim, addresses):
    by = Uploader(f"AWS:{ROLE}:{session}", claim)

    assert claim not in str(by) or not claim or claim == session
    assert (by.other_claim, by.addresses) == (other_claim, addresses)


def test_the_record_is_of_s3_and_the_claim_of_the_report():
    document = json.loads((EVENTS / "report-failed.json").read_text())
    document["upload"]["uploader"] = "ada@example.com"
    recorded = {"principalId": f"AWS:{USER}"}

    assert uploader.of(recorded, report.parse(document, document["scan"])) == Uploader(
        f"AWS:{USER}", "ada@example.com"
    )
    assert uploader.of(None, None) == Uploader("", "")
    assert str(uploader.of(None, None)) == "not recorded"
