"""JSONata in a state machine: templates between ``{%`` and ``%}``, evaluated in virtual time.

An expression without a result fails its state, as on AWS
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
"""

import json
import re
from functools import cache
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from tests.simulation.aws.scheduler import current
from tests.simulation.trace import EPOCH

_PATH = re.compile(r"\{%\s*\$([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*%\}")
_OTHERWISE = object()
_EPOCH_MILLIS = int(EPOCH.timestamp() * 1000)


class QueryEvaluationError(Exception):
    """An expression failed, or had no result."""


def evaluate(template: Any, variables: dict[str, Any]) -> Any:
    """Return ``template`` with each expression in it replaced by its value.

    ``variables`` are those of the state, with ``$states`` under ``states``.
    """
    if isinstance(template, str):
        if not (template.startswith("{%") and template.endswith("%}")):
            return template
        return _value(template, variables)
    if isinstance(template, dict):
        return {name: evaluate(item, variables) for name, item in template.items()}
    if isinstance(template, list):
        return [evaluate(item, variables) for item in template]
    return template


def _value(template: str, variables: dict[str, Any]) -> Any:
    if path := _path(template):
        result = _follow(path, variables)
        if result is not _OTHERWISE:
            return result
    try:
        result = _compiled(template).evaluate(None, bound(variables))
    except JException as error:
        raise QueryEvaluationError(f"{template}: {error}") from error
    # An object omits undefined values, but keeps null.
    if not isinstance(result, dict) or "value" not in result:
        raise QueryEvaluationError(f"{template} came to nothing")
    return result["value"]


def bound(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the variables as the engine has them: it treats one that is None as undefined."""
    return {
        name: Utils.NULL_VALUE if variable is None else variable
        for name, variable in variables.items()
    }


@cache
def _path(template: str) -> tuple[str, ...]:
    """The names in a template that is only a path, as most are: evaluated without the engine."""
    match = _PATH.fullmatch(template)
    return tuple(match[1].split(".")) if match else ()


def _follow(path: tuple[str, ...], variables: dict[str, Any]) -> Any:
    """Look up a path; leave to the engine what JSONata does beyond looking up names."""
    value: Any = variables
    for name in path:
        if type(value) is not dict or name not in value:
            return _OTHERWISE
        value = value[name]
    return _OTHERWISE if value is None or isinstance(value, list) else value


@cache
def _compiled(template: str) -> Jsonata:
    compiled = Jsonata("{'value': (" + template[2:-2] + ")}")
    compiled.register_lambda("parse", json.loads)
    compiled.register_lambda("millis", _time)
    return compiled


def _time() -> int:
    return millis()  # looked up at each call, so that a test can set the time


def millis() -> int:
    """The time of the actor that evaluates, in milliseconds since 1970."""
    actor = current()
    return _EPOCH_MILLIS + int((actor.scheduler.now + actor.skew) * 1000)
