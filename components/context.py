"""What every layer of a gate needs to know: names, account, region, retention and protection."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class Context:
    """Names that must be unique in the account begin with ``prefix``; all is known at preview."""

    prefix: str
    account: str
    region: str
    partition: str = "aws"
    log_retention_days: int = 90
    protect: bool = False

    def arn(self, service: str, resource: str) -> str:
        """The ARN of ``resource`` in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def current(
    prefix: str, parent: pulumi.Resource, *, log_retention_days: int, protect: bool
) -> Context:
    """The account and region that the AWS provider of ``parent`` deploys into."""
    opts = pulumi.InvokeOptions(parent=parent)
    return Context(
        prefix=prefix,
        account=aws.get_caller_identity(opts=opts).account_id,
        region=aws.get_region(opts=opts).region,
        partition=aws.get_partition(opts=opts).partition,
        log_retention_days=log_retention_days,
        protect=protect,
    )


def elsewhere(arn: str, region: str, partition: str = "") -> bool:
    """Whether the topic or function ``arn`` is in another region or partition than these.

    The gate could not use it: Step Functions publishes in its own region, and a button's command
    names the gate's. Text that is no ARN, such as the name of a built-in function, is not
    elsewhere. An empty ``region`` or ``partition`` is not known, and not compared.
    """
    if not arn.startswith("arn:"):
        return False
    _, of_arn, _, in_region, *_ = arn.split(":")
    return (region not in ("", in_region)) or (partition not in ("", of_arn))
