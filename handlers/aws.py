"""Where boto3 enters: the clients that entry modules make once in a container, and its errors.

boto3 has no types, so a client is ``Any`` wherever it goes.
"""

from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
)

__all__ = ["BotoCoreError", "ClientError", "Config", "client"]

# Who clicks a button waits 15 s at most: a call that hangs must end early enough to say so.
QUICK = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)


def client(service: str, config: Config = QUICK, region: str | None = None) -> Any:
    """Return a client of ``service``, in the function's own region unless ``region`` is given."""
    return cast("Any", boto3).client(service, region_name=region, config=config)
