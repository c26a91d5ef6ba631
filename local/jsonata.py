"""JSONata for moto's Step Functions, which expects a Java engine."""

import json
import uuid
from typing import Any

from jsonata import Jsonata
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


def evaluate(expression: str) -> Any:
    """Evaluate one expression with the functions that Step Functions adds to JSONata.

    Raises:
        jsonata.jexception.JException: as the expression fails.
    """
    parsed = Jsonata(expression)
    parsed.register_lambda("parse", json.loads)
    parsed.register_lambda("uuid", lambda: str(uuid.uuid4()))
    return parsed.evaluate(None)


def declare(bindings: dict[str, Any]) -> str:
    """Write variable bindings as JSONata; strings as JSON, since moto leaves their quotes bare."""
    # The library reads an escaped pair of surrogates as two characters.
    return "".join(
        f"{name}:={json.dumps(json.loads(to_json_str(value)), ensure_ascii=False)};"
        for name, value in bindings.items()
    )
