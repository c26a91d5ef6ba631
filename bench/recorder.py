"""A function that runs another, and returns what that called."""

import importlib
import os
from typing import Any

import boto3
from botocore import xform_name

calls: list[tuple[str, str, dict[str, Any]]] = []


def handler(event: Any, context: object) -> list[tuple[str, str, dict[str, Any]]]:
    """Run ``handlers/<RECORDED>.py``; return its calls as ``bare`` takes them."""
    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION.events.register("provide-client-params", _call)
    importlib.import_module(f"handlers.{os.environ['RECORDED']}").handler(event, context)
    return calls


def _call(params: dict[str, Any], model: Any, **_: Any) -> None:
    calls.append((model.service_model.service_name, xform_name(model.name), _plain(params)))


def _plain(value: Any) -> Any:
    """Bytes as text, which the clients take as well and JSON needs."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value.decode() if isinstance(value, bytes) else value
