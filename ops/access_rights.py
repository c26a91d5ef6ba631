"""The identity policies of those who use a stack without deploying it: uploaders and deployers.

They say what the bucket and key policies say about the principal, without the principal; and let it
find the stack's outputs.
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
from components.policy import Statement, allow
from domain.partition import PARTITION
from domain.published_outputs import PATH
from ops.program import GATE, PROJECT

# The policies name principals; which ones does not matter here.
ANYONE = ("anyone",)


def uploader_policy(app: str, named: Mapping[str, str], region: str) -> dict[str, Any]:
    """What an uploader of ``app`` needs; ``named`` are the ARNs of ``arns``."""
    uploaders = {app: ANYONE}
    return document(
        *uploaders_upload(named["uploads"], uploaders),
        *uploaders_read_evidence(named["artifacts"], uploaders),
        *uploaders_encrypt(named["key"], uploaders, f"s3.{region}.amazonaws.com"),
    )


def deployer_policy(named: Mapping[str, str], region: str) -> dict[str, Any]:
    """What a principal that deploys versions needs; ``named`` are the ARNs of ``arns``."""
    return document(
        *deployers_read_uploads(named["uploads"], ANYONE),
        *deployers_read_evidence(named["artifacts"], ANYONE),
        *deployers_decrypt(named["key"], ANYONE, f"s3.{region}.amazonaws.com"),
    )


def environment_policy(named: Mapping[str, str]) -> dict[str, Any]:
    """What a principal needs to find the stack's outputs by its name, or by being the only one.

    In the stack's account: a parameter has no policy by which another account could read it.
    """
    path = named["parameters"]
    return document(
        allow("ssm:GetParametersByPath", resources=[path, f"{path}/*"]),
        allow("ssm:GetParameter", resources=[f"{path}/*"]),
    )


def arns(stack: str, outputs: Mapping[str, str], account: str, region: str) -> dict[str, str]:
    """The ARNs of buckets, key and parameters; before `pulumi up`, patterns that match them."""
    prefix = f"{PROJECT}-{stack}-{GATE}"
    key = outputs.get("key", f"arn:{PARTITION}:kms:{region}:{account}:key/*")
    account = account or key.split(":")[4]
    return {
        **{
            label: f"arn:{PARTITION}:s3:::{outputs.get(f'{output}Bucket', f'{prefix}-{label}-*')}"
            for label, output in (("uploads", "upload"), ("artifacts", "artifacts"))
        },
        "key": key,
        "parameters": f"arn:{PARTITION}:ssm:{region}:{account}:parameter{PATH}",
    }


def document(*statements: Statement) -> dict[str, Any]:
    """The statements as the policy of an identity."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {key: value for key, value in statement.items() if key not in ("Sid", "Principal")}
            for statement in statements
        ],
    }
