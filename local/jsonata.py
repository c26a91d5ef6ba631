"""Evaluates JSONata in Python for moto's Step Functions, which expects a Java engine."""

import collections
import json
import uuid
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

# Delimits the variables in an expression: this character occurs in no JSON or state machine.
_BINDINGS = "\x00"
# Parsed expressions that are not in use: one can run only one evaluation at a time.
_idle: dict[str, list[Jsonata]] = collections.defaultdict(list)


def evaluate(expression: str) -> Any:
    """Evaluate one expression with the functions that Step Functions adds to JSONata.

    Raises:
        jsonata.jexception.JException: the expression failed.
    """
    parts = expression.split(_BINDINGS)
    text = "".join(parts[::2])
    # A variable that is bound to None would be undefined.
    bindings = {
        name: Utils.NULL_VALUE if value is None else value
        for part in parts[1::2]
        for name, value in json.loads(part).items()
    }
    try:
        parsed = _idle[text].pop()
    except IndexError:
        parsed = Jsonata(text)
        parsed.register_lambda("parse", json.loads)
        parsed.register_lambda("uuid", lambda: str(uuid.uuid4()))
    # $millis and $now take their time from here; otherwise they would use the expression that this
    # thread parsed last.
    Jsonata.CURRENT.jsonata = parsed
    result = parsed.evaluate(None, bindings)
    _idle[text].append(parsed)
    return result


def declare(bindings: dict[str, Any]) -> str:
    """Encode variables for ``evaluate``, which then parses each expression once for all values."""
    named = {name.removeprefix("$"): value for name, value in bindings.items()}
    return f"{_BINDINGS}{to_json_str(named)}{_BINDINGS}"
