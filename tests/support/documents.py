"""Validates what is written to the artifacts and state buckets against the schemas."""

import json
from typing import Any

import jsonschema

from domain.evidence_paths import SCANS, scan_and_name, schema_of
from domain.schema import load


class NotInItsForm(BaseException):
    """A document does not match its schema; no handler may take that for an error of AWS."""


def check(key: str, body: bytes | str) -> None:
    """Raise ``NotInItsForm`` if the ``body`` to be written to ``key`` does not match its schema."""
    name = scan_and_name(key)[1] if key.startswith(SCANS) else key
    known = schema_of(name)
    if known is None:
        return
    for error in jsonschema.Draft202012Validator(load(known)).iter_errors(json.loads(body)):
        raise NotInItsForm(f"{key}: {error.json_path}: {error.message}")


def check_put(params: dict[str, Any], **_: Any) -> None:
    """``check`` as a hook on ``provide-client-params.s3.PutObject`` of a boto3 client."""
    check(params["Key"], params["Body"])
