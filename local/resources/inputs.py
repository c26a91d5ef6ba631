"""What a resource is made of: its inputs, each taken once, and the account that it goes into."""

import io
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import rpc

# Id and outputs.
Made = tuple[str, dict[str, Any]]


class UnknownInput(Exception):
    """The program says something that local/ would silently leave out."""


class Inputs:
    """A resource's inputs; each key is taken once, and what nobody took is refused."""

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
        """The tags as pairs; services call the two parts of a pair differently."""
        return [{key: name, value: text} for name, text in self.take("tags", {}).items()]

    def region(self) -> tuple[str, ...]:
        """The region that the resource asks for, if it is not the stack's."""
        region = self.take("region")
        return (region,) if region else ()

    def done(self) -> None:
        """Refuse what nobody took.

        Raises:
            UnknownInput: names the keys.
        """
        if self._left:
            raise UnknownInput(f"{self._where}: local/ does not know {sorted(self._left)}")


@dataclass(frozen=True)
class Account:
    """Where resources go.

    ``client(service, *region)`` is boto3's; ``register`` makes what Cloud Control is asked for,
    and returns its ARN. ``function_logging`` gets each function's logging configuration, which
    moto would forget.
    """

    client: Callable[..., Any]
    stack: str
    register: Callable[[str, Any], str]
    function_logging: dict[str, dict[str, str]] = field(default_factory=dict)

    def named(self, name: str) -> str:
        """As ``pulumi:autonaming`` in Pulumi.yaml says."""
        return f"{self.stack}-{name}-{uuid.uuid4().hex[:5]}"


Create = Callable[[Account, str, Inputs], Made]


def zipped(archive: pulumi.AssetArchive) -> bytes:
    """The zip that Pulumi makes of an archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, asset in archive.assets.items():
            if not isinstance(asset, pulumi.FileAsset):
                raise UnknownInput(f"{name}: local/ packages files only")
            target.write(asset.path, name)
    return buffer.getvalue()


def plain(value: Any) -> Any:
    """What the engine's wire carries, with secrets told, and whole numbers as such."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
