"""Documents that services take as JSON text."""

import json
from typing import Any, cast

import pulumi


def as_json(document: Any) -> pulumi.Output[str]:
    """Return ``document`` as text, with the values of the Outputs in it.

    ``Output.json_dumps`` makes an Output of each node of it, which took a quarter of the time of
    the whole program.
    """
    outputs: list[pulumi.Output[Any]] = []

    def note(value: object) -> None:
        if not isinstance(value, pulumi.Output):
            raise TypeError(f"{value!r} is no JSON")
        outputs.append(cast("pulumi.Output[Any]", value))

    def written(values: list[Any]) -> str:
        # It asks for them in the order in which they were noted.
        left = iter(values)
        return json.dumps(document, default=lambda _: next(left))

    json.dumps(document, default=note)
    return pulumi.Output.all(*outputs).apply(written)
