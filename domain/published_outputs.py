"""The parameter of Systems Manager in which a gate publishes the outputs of its stack.

Commands find the stack by it, with the rights of a role and nothing else.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")
# All parameters of gates are under this path, and no others.
PATH = "/chatops-slack"
# A stack, or one of its gates where it has several.
NAMED = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
# Of a standard parameter, in characters
# (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
MAX_LENGTH = 4096
# An administrator's, and long with a long domain.
UNPUBLISHED = frozenset({"senderDnsRecords"})


def parameter(project: str, stack: str, gate: str) -> str:
    """The name of the parameter of the gate named ``gate`` in its program.

    Two programs in one account may have stacks and gates of the same names: in a program of one's
    own the project's name is part of it, as in ``/chatops-slack/billing.prod/gate``.
    """
    named = stack if project == PATH[1:] else f"{project}.{stack}"
    return f"{PATH}/{named}/{gate}"


def published(outputs: Mapping[str, Value]) -> dict[str, Value]:
    """What of ``outputs`` is published; none of them is a secret."""
    return {name: value for name, value in outputs.items() if name not in UNPUBLISHED}
