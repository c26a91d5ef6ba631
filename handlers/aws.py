"""boto3's clients and errors; entry modules make each client once for a container.

boto3 has no type hints, so clients are ``Any``.
"""

from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
)

__all__ = ["BotoCoreError", "ClientError", "Config", "client"]

# In seconds. The function behind a button must answer within 15 s, also when a call hangs.
QUICK = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)


def client(service: str, config: Config = QUICK, region: str | None = None) -> Any:
    """Return a client for ``service``, in the function's own region unless ``region`` is given."""
    return cast("Any", boto3).client(service, region_name=region, config=config)
