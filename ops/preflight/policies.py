"""Whether policies in AWS are, statement by statement, as the program writes them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.preflight.comparison import differences
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, warning
from ops.program import Resource


def policy_findings(
    environment: Environment, owner: str, written: Resource, document: Mapping[str, Any], why: str
) -> Iterator[Finding]:
    """A finding for each difference between ``document``, which AWS has, and the policy written.

    It is a warning where AWS has what Pulumi stored at the last update: another update is to come.
    """
    stored, stack = _stored(environment, written), environment.stack
    is_stored = stored is not None and not _differences(stored, document, environment)
    changed = _differences({"Statement": written.policy()}, document, environment)
    for difference in changed:
        if is_stored:
            yield warning(
                f"{owner}: {difference}, which `pulumi up` will change",
                "settings or program were edited, or a refresh accepted what somebody changed",
                f"pulumi preview --diff --stack {stack}, then pulumi up --stack {stack}",
            )
        else:
            # Without a refresh Pulumi does not see the change.
            fix = f"pulumi refresh --stack {stack} && pulumi up --stack {stack}"
            yield failed(f"{owner}: {difference}", why, fix)
    if not changed:
        yield fine(f"{owner} is as the program wrote it")


def _stored(environment: Environment, written: Resource) -> dict[str, Any] | None:
    """The policy in Pulumi's state, with the real names."""
    for item in environment.state:
        is_it = item["type"] == written.kind and item["urn"].endswith(f"::{written.name}")
        if is_it and not item.get("delete"):
            return json.loads(item["inputs"]["policy"])
    return None


def _differences(
    expected: Mapping[str, Any], actual: Mapping[str, Any], environment: Environment
) -> list[str]:
    return list(differences(_by_sid(expected), _by_sid(actual), environment))


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
