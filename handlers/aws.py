"""botocore's clients and errors; entry modules make each client once for a container.

boto3's clients are these with helpers that no function needs, and take a tenth of a cold start.
botocore has no type hints, so clients are ``Any``.
"""

from functools import cache
from typing import Any, cast

import botocore.session  # pyright: ignore[reportMissingTypeStubs]
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


@cache
def session() -> Any:
    """The session of all clients, which share what it has read of the services."""
    return cast("Any", botocore.session).get_session()


def client(service: str, config: Config = QUICK, region: str | None = None) -> Any:
    """Return a client for ``service``, in the function's own region unless ``region`` is given."""
    return session().create_client(service, region_name=region, config=config)
