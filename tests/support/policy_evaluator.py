"""What a resource's policy by itself says about a request, evaluated by the engine."""

import atexit
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from local.permissions.engine import Engine, Request, installed

needs_engine = pytest.mark.skipif(not installed(), reason="needs Node.js and npm")


def decide(
    statements: Sequence[Mapping[str, Any]],
    *,
    principal: str,
    action: str,
    resource: str,
    **context: str,
) -> str:
    """Return ``deny``, ``allow`` or ``nothing`` (neither) for one request to a resource policy."""
    if not installed():
        pytest.skip("needs Node.js and npm")
    request = Request(
        principal,
        action,
        resource,
        principal.split(":")[4],
        {"aws:PrincipalArn": principal, "aws:SecureTransport": "true", **context},
        resource_policy={"Version": "2012-10-17", "Statement": statements},
    )
    [decision] = engine().decide([request])
    if decision.explicit:
        return "deny"
    return "allow" if any(effect == "Allow" for *_, effect in decision.statements) else "nothing"


@cache
def engine() -> Engine:
    """One for all tests of the process."""
    engine = Engine()
    atexit.register(engine.close)
    return engine
