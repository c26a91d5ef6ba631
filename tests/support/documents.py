"""Holds what is written to the buckets of evidence and state against the schemas."""

import json
from typing import Any

import jsonschema

from domain.evidence_paths import SCANS, scan_and_name, schema_of
from domain.schema import load


class NotInItsForm(BaseException):
    """A document is not as its schema says; no handler may take that for an error of AWS."""


def check(key: str, body: bytes | str) -> None:
    """Raise ``NotInItsForm`` where ``body``, about to be written to ``key``, is not in its form."""
    name = scan_and_name(key)[1] if key.startswith(SCANS) else key
    known = schema_of(name)
    if known is None:
        return
    for error in jsonschema.Draft202012Validator(load(known)).iter_errors(json.loads(body)):
        raise NotInItsForm(f"{key}: {error.json_path}: {error.message}")


def check_put(params: dict[str, Any], **_: Any) -> None:
    """The same as a hook on ``provide-client-params.s3.PutObject`` of a client of boto3."""
    check(params["Key"], params["Body"])
