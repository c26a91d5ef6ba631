"""A resource's inputs, each taken once, and the account in which it is created."""

import io
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import rpc

from local.permissions.guard import Guard

# Id and outputs.
Made = tuple[str, dict[str, Any]]


class UnknownInput(Exception):
    """The program declares something that local/ does not support."""


class Inputs:
    """A resource's inputs; each key is taken once, and ``done`` refuses those that were not."""

    def __init__(self, where: str, values: dict[str, Any]) -> None:
        self._where, self._left = where, dict(values)

    def take(self, key: str, default: Any = None) -> Any:
        return self._left.pop(key, default)

    def nested(self, key: str) -> "Inputs":
        return Inputs(f"{self._where}.{key}", self._left.pop(key, None) or {})

    def blocks(self, key: str) -> list["Inputs"]:
        rows = self._left.pop(key, None) or []
        return [Inputs(f"{self._where}.{key}[{n}]", row) for n, row in enumerate(rows)]

    def tags(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as pairs, whose fields services name differently."""
        return [{key: name, value: text} for name, text in self.take("tags", {}).items()]

    def region(self) -> tuple[str, ...]:
        """Arguments for ``Account.client``: the resource's region, or none for the stack's."""
        region = self.take("region")
        return (region,) if region else ()

    def done(self) -> None:
        """Check that all keys were taken.

        Raises:
            UnknownInput: some were not; the message names them.
        """
        if self._left:
            raise UnknownInput(f"{self._where}: local/ does not know {sorted(self._left)}")


@dataclass(frozen=True)
class Account:
    """Where resources are created.

    ``client(service, *region)`` returns a boto3 client; ``register(type, state)`` creates a Cloud
    Control resource and returns its ARN. ``function_logging`` receives each function's logging
    configuration, which moto does not store. ``guard`` checks what services check when something
    is created.
    """

    client: Callable[..., Any]
    stack: str
    register: Callable[[str, Any], str]
    guard: Guard
    function_logging: dict[str, dict[str, str]] = field(default_factory=dict)

    def named(self, name: str) -> str:
        """A unique physical name, as ``pulumi:autonaming`` in Pulumi.yaml defines it."""
        return f"{self.stack}-{name}-{uuid.uuid4().hex[:5]}"


Create = Callable[[Account, str, Inputs], Made]


def zipped(archive: pulumi.AssetArchive) -> bytes:
    """The zip of an archive of files, as Pulumi uploads it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, asset in archive.assets.items():
            if isinstance(asset, pulumi.FileAsset):
                target.write(asset.path, name)
            elif isinstance(asset, pulumi.FileArchive):
                with zipfile.ZipFile(asset.path) as source:
                    for entry in source.namelist():
                        target.writestr(f"{name}/{entry}", source.read(entry))
            else:
                raise UnknownInput(f"{name}: local/ packages files and zips only")
    return buffer.getvalue()


def plain(value: Any) -> Any:
    """A value from Pulumi's RPC with secrets unwrapped and whole numbers as int."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
