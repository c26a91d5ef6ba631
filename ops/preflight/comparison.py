"""What AWS has, compared with what the program registers.

The recorded program has logical names; a recorded name stands for that of the real resource, in
the stack's account.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain.partition import PARTITION
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, warning
from ops.program import GATE, PROJECT


def findings(
    environment: Environment,
    owner: str,
    expected: Any,
    stored: Any,
    actual: Any,
    why: str,
    fix: str,
) -> list[Finding]:
    """A finding for each difference of ``actual``, which AWS has, from what the program registers.

    It is a warning where AWS has what Pulumi ``stored`` at the last update: another is to come.
    """
    is_stored = _equal(stored, actual, environment)
    stack = environment.stack
    return [
        warning(
            f"{owner}: {difference}, which `pulumi up` will change",
            "settings or program were edited, or a refresh accepted what somebody changed",
            f"pulumi preview --diff --stack {stack}, then pulumi up --stack {stack}",
        )
        if is_stored
        else failed(f"{owner}: {difference}", why, fix)
        for difference in differences(expected, actual, environment)
    ]


def differences(
    expected: Any, actual: Any, environment: Environment, path: str = ""
) -> Iterator[str]:
    """Yield what in ``actual`` differs, as in ``LoggingLevel is 'NONE'``; arrays have no order."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in sorted({*expected, *actual}):
            below = f"{path}.{key}".removeprefix(".")
            yield from differences(expected.get(key), actual.get(key), environment, below)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        if len(expected) == 1:
            yield from differences(expected[0], actual[0], environment, path)
        elif not all(any(_equal(one, other, environment) for other in actual) for one in expected):
            yield f"{path} is {actual!r}"
    elif not _matches(expected, actual, environment):
        yield f"{path or 'it'} is missing" if actual is None else f"{path} is {actual!r}"


def _equal(expected: Any, actual: Any, environment: Environment) -> bool:
    return not list(differences(expected, actual, environment))


def _matches(expected: Any, actual: Any, environment: Environment) -> bool:
    if not (isinstance(expected, str) and isinstance(actual, str)):
        return expected == actual
    recorded = re.fullmatch(rf"(?:arn:{PARTITION}:(\w+):::)?({GATE}-[\w-]+)(/.*)?", expected)
    if not recorded:
        return expected == actual
    service, name, below = recorded.groups()
    # The suffix of the project's pulumi:autonaming.
    physical = rf"{PROJECT}-{environment.stack}-{name}-[0-9a-f]+{re.escape(below or '')}"
    # The ARN of a bucket has no account.
    account = "" if service == "s3" else environment.identity.account
    arn = rf"arn:{PARTITION}:{service}:[\w-]*:{account}:(\w+[/:])?" if service else ""
    return re.fullmatch(arn + physical, actual) is not None
