"""A signed request to the account, and what it needs from IAM."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

Context = Mapping[str, str | list[str]]


class UnknownOperation(Exception):
    """local/permissions does not know the operation, so it could not be evaluated."""


class Access(NamedTuple):
    """One action on one resource, with the condition keys that the request has for it."""

    action: str
    resource: str
    context: Context = MappingProxyType({})


class Call:
    """A request: ``service`` and ``region`` as signed, ``signer`` is the access key id.

    An unsigned one has no signer, and counts as S3's, which answers such requests.

    ``body`` is read on demand, since an upload's can be long.
    """

    def __init__(self, environ: Mapping[str, Any], body: Callable[[], bytes]) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
        self.query = {key: values[0] for key, values in query.items()}
        # A signed URL has the signature in the query.
        signed = environ.get("HTTP_AUTHORIZATION") or environ["QUERY_STRING"]
        scope = re.search(r"Credential=([^/&]+)/\d+/([^/&]+)/([^/&]+)/", unquote(signed))
        self.signer, self.region, self.service = scope.groups() if scope else ("", "", "s3")
        self.headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        self._body = body

    @cached_property
    def operation(self) -> str:
        """Its name, in the protocols that send it: JSON and query."""
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        return self.form.get("Action", "")

    @cached_property
    def json(self) -> dict[str, Any]:
        return json.loads(self._body() or b"{}")

    @cached_property
    def form(self) -> dict[str, str]:
        text = self._body().decode(errors="replace")  # an upload's is no text
        return {key: values[0] for key, values in parse_qs(text).items()}

    @property
    def unknown(self) -> UnknownOperation:
        """The error for an operation that has no entry in this package."""
        what = self.operation or f"{self.method} {self.path} {sorted(self.query)}"
        return UnknownOperation(f"local/permissions does not know {self.service} {what}")


def through(service: str, actions: Sequence[str], key: str, region: str) -> list[Access]:
    """What a service asks KMS on the caller's behalf; nothing if AWS's own key is used.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    context: Context = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
    return [Access(action, key, context) for action in actions if key]
