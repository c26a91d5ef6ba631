"""The AWS identity of the caller."""

from dataclasses import dataclass

import boto3
from botocore.config import Config

# Preflight calls many services, and should report quickly if one of them does not respond.
PATIENCE = Config(
    connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2}
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The account, and the ARN of the user or role session."""

    account: str
    arn: str

    @property
    def is_root(self) -> bool:
        """Whether these are the root user's credentials, which have no limits."""
        return self.arn.endswith(":root")

    @property
    def role(self) -> str:
        """The name of the assumed role, empty for a user."""
        kind, _, rest = self.arn.split(":", 5)[5].partition("/")
        return rest.split("/")[0] if kind == "assumed-role" else ""


def identity(region: str) -> Identity:
    """Return the identity of the current AWS credentials."""
    response = boto3.client("sts", region_name=region, config=PATIENCE).get_caller_identity()
    return Identity(account=response["Account"], arn=response["Arn"])
