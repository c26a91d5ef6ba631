"""Entry points of Lambda functions that run in place of ours, packaged with ``handlers/``.

``record`` runs one of ours and returns its AWS calls; ``repeat`` does nothing but such calls.
"""

import importlib
import json
import logging
import os
import time
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

log = logging.getLogger(__name__)
# Added to each call while recording, so that concurrent calls overlap however busy the machine is.
LATENCY_SECONDS = 0.05

clients: dict[str, Any] = {
    name: boto3.client(name) for name in json.loads(os.environ.get("CLIENTS", "[]"))
}


def repeat(event: list[dict[str, Any]], context: object) -> None:
    """Make the calls that ``record`` returned, one after the other, and log a line."""
    for call in event:
        try:
            response = getattr(clients[call["service"]], call["method"])(**call["parameters"])
        except ClientError:  # ours expects it too
            continue
        if call["method"] == "get_object":
            response["Body"].read()
    log.info("repeated", extra={"calls": len(event)})


def record(event: Any, context: object) -> list[dict[str, Any]]:
    """Run ``handlers/<RECORDED>.py``.

    Return its calls, ``{service, method, parameters, began, ended}``; times are in seconds.
    """
    calls: list[dict[str, Any]] = []

    def begin(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["recorded"] = {
            "service": model.service_model.service_name,
            "method": xform_name(model.name),
            "parameters": _as_json(params),
            "began": time.perf_counter(),
        }
        calls.append(context["recorded"])
        time.sleep(LATENCY_SECONDS)

    def end(context: dict[str, Any], **_: Any) -> None:
        context["recorded"]["ended"] = time.perf_counter()

    session = importlib.import_module("handlers.aws").session()
    session.register("provide-client-params", begin)
    session.register("after-call", end)
    importlib.import_module(f"handlers.{os.environ['RECORDED']}").handler(event, context)
    return calls


def _as_json(value: Any) -> Any:
    """Bytes as text, which clients take as well."""
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value.decode() if isinstance(value, bytes) else value
