"""Ids of scans and the rule from an upload's key to its app."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.access import keys_of
from domain.scan_id import APP, INVALID_KEY, SCAN_ID, app_of, scan_id


@pytest.mark.parametrize(
    ("key", "app"),
    [
        ("payments/api.zip", "payments"),
        ("payments.zip", "payments"),
        ("payments/deep/api.zip", "payments"),
        ("payments.zip/api.zip", "payments.zip"),
        ("payments.zip.zip", "payments.zip"),
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


@pytest.mark.parametrize("apps", ["payments", "payments.*", "payments.z*", "payments.zip", "p*"])
@given(
    filled=st.text(alphabet="zip./a-", max_size=12) | st.sampled_from(["zip/", ".zip/", "ip/z"]),
    below=st.text(alphabet="zip./a", max_size=6),
)
def test_who_may_upload_some_apps_uploads_only_these(apps: str, filled: str, below: str):
    """By the keys of the bucket's policy, where ``*`` stands for any text, also with slashes."""
    pattern = re.compile(re.escape(apps).replace(r"\*", ".*"))
    for allowed in keys_of(apps):
        name, is_below, rest = allowed.partition("/")
        key = name.replace("*", filled) + is_below + rest.replace("*", below)

        assert app_of(key) == INVALID_KEY or pattern.fullmatch(app_of(key)), key
