"""The identity policies of those who use a stack without deploying it: uploaders and deployers.

They say what the bucket and key policies say about the principal, without the principal.
"""

from collections.abc import Mapping
from typing import Any

from components.access import (
    deployers_decrypt,
    deployers_read_evidence,
    deployers_read_uploads,
    uploaders_encrypt,
    uploaders_read_evidence,
    uploaders_upload,
)
from components.policy import Statement
from domain.partition import PARTITION
from ops.program import GATE, PROJECT

# The policies name principals; which ones does not matter here.
ANYONE = ("anyone",)


def uploader_policy(app: str, named: Mapping[str, str], region: str) -> dict[str, Any]:
    """What an uploader of ``app`` needs; ``named`` are the ARNs of ``arns``."""
    uploaders = {app: ANYONE}
    return _document(
        *uploaders_upload(named["uploads"], uploaders),
        *uploaders_read_evidence(named["artifacts"], uploaders),
        *uploaders_encrypt(named["key"], uploaders, f"s3.{region}.amazonaws.com"),
    )


def deployer_policy(named: Mapping[str, str], region: str) -> dict[str, Any]:
    """What a principal that deploys versions needs; ``named`` are the ARNs of ``arns``."""
    return _document(
        *deployers_read_uploads(named["uploads"], ANYONE),
        *deployers_read_evidence(named["artifacts"], ANYONE),
        *deployers_decrypt(named["key"], ANYONE, f"s3.{region}.amazonaws.com"),
    )


def arns(stack: str, outputs: Mapping[str, str], account: str, region: str) -> dict[str, str]:
    """The ARNs of buckets and key; before the first `pulumi up`, patterns that will match them."""
    prefix = f"{PROJECT}-{stack}-{GATE}"
    return {
        **{
            label: f"arn:{PARTITION}:s3:::{outputs.get(f'{output}Bucket', f'{prefix}-{label}-*')}"
            for label, output in (("uploads", "upload"), ("artifacts", "artifacts"))
        },
        "key": outputs.get("key", f"arn:{PARTITION}:kms:{region}:{account}:key/*"),
    }


def _document(*statements: Statement) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {key: value for key, value in statement.items() if key not in ("Sid", "Principal")}
            for statement in statements
        ],
    }
