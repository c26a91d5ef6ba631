"""Only valid addresses are used: one that SES refuses would stop the whole email."""

import pytest

from domain import email_address

LONG, LABEL = "a" * 64, "b" * 63


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "ada.lovelace+zips@mail.example.co.uk",
        "o'brien@example.com",
        "a_b-c@xn--bcher-kva.example",
        f"{LONG}@example.com",
        f"a@{LABEL}.example",
        f"a@{LABEL}.{LABEL}.{LABEL}.{'c' * 60}",
    ],
)
def test_a_valid_address_is_unchanged(address):
    assert email_address.address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        "@example.com",
        "a@",
        "a@@example.com",
        "a@b@example.com",
        "a b@example.com",
        '"a b"@example.com',
        "a(c)@example.com",
        "<a@example.com>",
        "a@example.com, b@example.com",
        "a@example.com\n",
        "a@example.com\r\nBcc: eve@evil.example",
        "a@-example.com",
        "a@example-.com",
        "a@example..com",
        "a@.example.com",
        "a@example.com.",
        "a@exa_mple.com",
        "a@example",
        "a@[192.0.2.1]",
        "a@192.0.2.1",
        "eve%evil.example@example.com",
        "evil.example!eve@example.com",
        "\u00e4@example.com",
        "a@ex\u00e4mple.com",
        "a\uff20example.com",
        "a\u200b@example.com",
        "a\x00@example.com",
        f"a{LONG}@example.com",
        f"a@b{LABEL}.example",
        f"a@{LABEL}.{LABEL}.{LABEL}.{'c' * 61}",
        "a@" + "b." * 100_000 + "com",
        "",
        None,
        7,
        ["a@example.com"],
    ],
    ids=lambda address: ascii(address)[:40],
)
def test_addresses_that_ses_could_refuse_or_misread_are_refused(address):
    assert email_address.address(address) == ""
