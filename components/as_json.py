"""Documents that services take as JSON text."""

import json
from typing import Any, cast

import pulumi


def as_json(document: Any) -> pulumi.Output[str]:
    """Return ``document`` as JSON text, with the values of the Outputs in it.

    ``Output.json_dumps`` creates an Output for each node, which took a quarter of the whole
    program's run time.
    """
    outputs: list[pulumi.Output[Any]] = []

    def collect(value: object) -> None:
        if not isinstance(value, pulumi.Output):
            raise TypeError(f"{value!r} is no JSON")
        outputs.append(cast("pulumi.Output[Any]", value))

    def written(values: list[Any]) -> str:
        # json.dumps asks for the values in the same order as when they were collected.
        remaining = iter(values)
        return json.dumps(document, default=lambda _: next(remaining))

    json.dumps(document, default=collect)
    return pulumi.Output.all(*outputs).apply(written)
