"""JSONata for moto's Step Functions, which expects a Java engine."""

import collections
import json
import uuid
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

# Stands around each state's variables; no text of JSON or of a state machine has it.
_BINDINGS = "\x00"
# By expression, those that nobody evaluates right now: one evaluates one thing at a time.
_idle: dict[str, list[Jsonata]] = collections.defaultdict(list)


def evaluate(expression: str) -> Any:
    """Evaluate one expression with the functions that Step Functions adds to JSONata.

    Raises:
        jsonata.jexception.JException: as the expression fails.
    """
    parts = expression.split(_BINDINGS)
    text = "".join(parts[::2])
    # A variable bound to None would be no variable.
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
    # By this $millis and $now know which evaluation's time it is: else that of whichever expression
    # this thread was the last to parse.
    Jsonata.CURRENT.jsonata = parsed
    result = parsed.evaluate(None, bindings)
    _idle[text].append(parsed)
    return result


def declare(bindings: dict[str, Any]) -> str:
    """Hand variables on to ``evaluate``, past the parser: expressions are few, values are many."""
    named = {name.removeprefix("$"): value for name, value in bindings.items()}
    return f"{_BINDINGS}{to_json_str(named)}{_BINDINGS}"
