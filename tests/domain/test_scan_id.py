"""Ids of scans and the rule from an upload's key to its app."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scan_id import APP, INVALID_KEY, SCAN_ID, app_of, scan_id


@pytest.mark.parametrize(
    ("key", "app"),
    [
        ("payments/api.zip", "payments"),
        ("payments.zip", "payments"),
        ("payments/deep/api.zip", "payments"),
        ("_payments/api.zip", INVALID_KEY),
        ("/api.zip", INVALID_KEY),
        (f"{'a' * 65}/api.zip", INVALID_KEY),
        ("käse/api.zip", INVALID_KEY),
    ],
)
def test_the_first_part_of_a_key_is_its_app(key: str, app: str):
    assert app_of(key) == app


@given(st.text(), st.integers(1, 9))
def test_every_key_has_an_app_that_makes_a_scan_id(key: str, attempt: int):
    assert APP.fullmatch(app_of(key))
    assert SCAN_ID.fullmatch(scan_id(app_of(key), "3sL4kqtJlcpXroDTDmJ", attempt))
