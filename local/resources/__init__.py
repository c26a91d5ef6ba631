"""Creates the program's resources on moto, through the AWS APIs.

Unknown types, keys and nested keys are refused: everything that the program declares is either
created or an error, as with ``pulumi up``.
"""

from typing import Any

from local.resources import access, buckets, messages, running, watching
from local.resources.inputs import Account, Create, Inputs, Made, UnknownInput, plain

__all__ = ["Account", "UnknownInput", "create"]

CREATE: dict[str, Create] = {
    **access.CREATE,
    **buckets.CREATE,
    **messages.CREATE,
    **running.CREATE,
    **watching.CREATE,
}


def create(account: Account, kind: str, name: str, values: dict[str, Any]) -> Made:
    """Create one resource; return its id and outputs.

    Raises:
        UnknownInput: its type or one of its keys is not supported.
    """
    if kind not in CREATE:
        raise UnknownInput(f"{name}: local/ cannot create {kind}; teach it in local/resources/")
    known = {key: plain(value) for key, value in values.items()}
    inputs = Inputs(f"{kind} {name}", {k: v for k, v in known.items() if v is not None})
    resource_id, outputs = CREATE[kind](account, name, inputs)
    inputs.done()
    return resource_id, {**known, **outputs}
