"""Who AWS takes this person for."""

import boto3
from botocore.config import Config

# Preflight asks many services, and shall say soon that one of them does not answer.
PATIENCE = Config(
    connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2}
)


def account_of(region: str) -> str:
    """The account of the AWS credentials."""
    sts = boto3.client("sts", region_name=region, config=PATIENCE)
    return sts.get_caller_identity()["Account"]
