"""Encodes documents that quote what tools say of untrusted code."""

import json


def encoded(value: object, indent: int | None = None) -> bytes:
    """The body of JSON. Quoted code may have lone surrogates, which UTF-8 cannot encode."""
    return json.dumps(value, indent=indent, ensure_ascii=False).encode(errors="replace")
