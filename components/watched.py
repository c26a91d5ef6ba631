"""The resources that alarms and dashboard watch."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.handler_function import HandlerFunction


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Names of the deployed resources; ``namespace`` is that of the gate's own metrics.

    ``functions`` are all functions in the stack's region, by label. A gate result is late after
    ``result_seconds``.
    """

    region: str
    namespace: str
    topic: pulumi.Input[str]
    functions: Mapping[str, HandlerFunction]
    state_machine_arn: pulumi.Input[str]
    project: pulumi.Input[str]
    rule: pulumi.Input[str]
    dead_letters: pulumi.Input[str]
    configuration_set: pulumi.Input[str]
    uploads: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    result_seconds: int
