"""A function that runs another, and returns how many seconds each part of its cold start took."""

import importlib
import os
import time
from typing import Any


def handler(event: Any, context: object) -> dict[str, float]:
    """Run ``handlers/<STAGED>.py``; ``clients`` is what making its boto3 clients took."""
    began = time.perf_counter()
    import boto3

    imported, make, made = time.perf_counter(), boto3.client, 0.0

    def client(*arguments: Any, **more: Any) -> Any:
        nonlocal made
        start = time.perf_counter()
        try:
            return make(*arguments, **more)
        finally:
            made += time.perf_counter() - start

    boto3.client = client
    module = importlib.import_module(f"handlers.{os.environ['STAGED']}")
    ready, made_before = time.perf_counter(), made
    module.handler(event, context)
    return {
        "import boto3": imported - began,
        "clients": made,
        "our modules": ready - imported - made_before,
        "first answer": time.perf_counter() - ready - (made - made_before),
    }
