"""docs/preflight.md names the right for each call that preflight makes."""

import re

import pytest

from ops.program import PROGRAM

CALL = re.compile(r'[."]((?:describe|get|list|simulate|test|validate)_[a-z_]+)["(]')
CALLS = {
    name
    for file in (PROGRAM / "ops" / "preflight").glob("*.py")
    for name in CALL.findall(file.read_text())
} - {"get_paginator"}
# Rights that are not named after the call.
OTHERS = {"get_bucket_replication": "GetReplicationConfiguration"}


@pytest.mark.parametrize("call", sorted(CALLS))
def test_each_call_has_its_right_in_the_docs(call: str):
    rights = (PROGRAM / "docs" / "preflight.md").read_text().partition("## Rights")[2]
    action = OTHERS.get(call) or "".join(word.capitalize() for word in call.split("_"))

    assert re.search(rf"`[a-z0-9]+:{action}`", rights), f"docs/preflight.md: the right for {call}"


def test_the_calls_are_found():
    assert {"get_role", "list_service_quotas", "test_state"} <= CALLS
