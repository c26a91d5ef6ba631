"""Whether policies in AWS are, statement by statement, as the program writes them."""

import json
from collections.abc import Mapping
from typing import Any

from ops.preflight.comparison import findings
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, fine
from ops.program import Resource


def policy_findings(
    environment: Environment, owner: str, written: Resource, document: Mapping[str, Any], why: str
) -> list[Finding]:
    """A finding for each difference between ``document``, which AWS has, and the policy written."""
    stored = environment.stored(written)
    changed = findings(
        environment,
        owner,
        _by_sid({"Statement": written.policy()}),
        stored and _by_sid(json.loads(stored["policy"])),
        _by_sid(document),
        why,
        # Without a refresh Pulumi does not see the change.
        f"pulumi refresh --stack {environment.stack} && pulumi up --stack {environment.stack}",
    )
    return changed or [fine(f"{owner} is as the program wrote it")]


def _by_sid(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The statements of a policy by their Sids; all values as lists.

    S3 returns a list of one as its element (https://github.com/hashicorp/terraform/issues/2432).
    """
    grouped: dict[str, list[Any]] = {}
    for statement in _listed(document["Statement"]):
        grouped.setdefault(statement.get("Sid", "statement"), []).append(_with_lists(statement))
    return grouped


def _with_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_lists(member) for key, member in value.items()}
    return _listed(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
