"""What moto does anew for each request or execution, done once; the answers are the same."""

import functools
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_backend_for_host = DomainDispatcherApplication.get_backend_for_host
_parse = AmazonStateLanguageParser.parse


@functools.lru_cache(maxsize=256)
def backend_for_host(self: DomainDispatcherApplication, host: str | None) -> Any:
    """Which service a host is; moto looks through its own folder, one request after another."""
    return _backend_for_host(self, host)


def parse(definition: str) -> tuple[Any, Any]:
    """A definition as a program of its own; only the reading of the text is shared."""
    tree = _read(definition)
    return Preprocessor().visit(tree), tree


@functools.lru_cache(maxsize=16)
def _read(definition: str) -> Any:
    return _parse(definition)[1]
