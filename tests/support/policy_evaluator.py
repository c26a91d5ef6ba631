"""Evaluates a policy as IAM documents it, for the operators that the policies use.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an
explicit deny wins, then an allow; otherwise the request is denied. A condition on a key that the
request lacks is false, or true if the operator is negated; ``Null`` tests whether it is missing.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

OPERATORS = ("StringEquals", "StringNotEquals", "ArnEquals", "ArnNotEquals", "Bool", "Null")


def decide(
    statements: Sequence[Mapping[str, Any]],
    *,
    principal: str,
    action: str,
    resource: str,
    **context: str,
) -> str:
    """Return ``deny``, ``allow`` or ``nothing`` (neither) for one request to a resource policy."""
    context = {"aws:PrincipalArn": principal, "aws:SecureTransport": "true", **context}
    effects = {
        statement["Effect"]
        for statement in statements
        if _principal(statement["Principal"], principal)
        and any(fnmatchcase(action, item) for item in statement["Action"])
        and _resource(statement, resource)
        and all(
            _holds(operator, key, value, context)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, value in pairs.items()
        )
    }
    if "Deny" in effects:
        return "deny"
    return "allow" if "Allow" in effects else "nothing"


def _principal(named: Any, principal: str) -> bool:
    return named == "*" or principal in named.get("AWS", [])


def _resource(statement: Mapping[str, Any], resource: str) -> bool:
    if "NotResource" in statement:
        return not any(fnmatchcase(resource, arn) for arn in statement["NotResource"])
    return any(fnmatchcase(resource, arn) for arn in statement["Resource"])


def _holds(operator: str, key: str, value: Any, context: Mapping[str, str]) -> bool:
    assert operator in OPERATORS, operator
    if operator == "Null":
        return value == ("false" if key in context else "true")
    values = value if isinstance(value, list) else [value]
    if "Not" in operator:
        return context.get(key) not in values
    return context.get(key) in values
