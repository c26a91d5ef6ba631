"""What every layer of a gate needs to know: names, account, region, retention and protection."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domain.partition import PARTITION


@dataclass(frozen=True, kw_only=True)
class Context:
    """Names that must be unique in the account begin with ``prefix``; all is known at preview."""

    prefix: str
    account: str
    region: str
    log_retention_days: int = 90
    protect: bool = False

    def arn(self, service: str, resource: str) -> str:
        """The ARN of ``resource`` in this account and region."""
        return f"arn:{PARTITION}:{service}:{self.region}:{self.account}:{resource}"


def current(
    prefix: str, parent: pulumi.Resource, *, log_retention_days: int, protect: bool
) -> Context:
    """The account and region that the AWS provider of ``parent`` deploys into.

    Raises:
        pulumi.RunError: the region is in a partition without the chat service.
    """
    opts = pulumi.InvokeOptions(parent=parent)
    region = aws.get_region(opts=opts).region
    if reason := unsupported(region, aws.get_partition(opts=opts).partition):
        raise pulumi.RunError(reason)
    return Context(
        prefix=prefix,
        account=aws.get_caller_identity(opts=opts).account_id,
        region=region,
        log_retention_days=log_retention_days,
        protect=protect,
    )


def unsupported(region: str, partition: str) -> str:
    """Why no gate runs in ``region``, which is in ``partition``; empty if it does."""
    if partition == PARTITION:
        return ""
    return (
        f"{region} is in the partition {partition}, which has no Amazon Q Developer in chat "
        f"applications: deploy into a region of the partition {PARTITION}"
    )


def elsewhere(arn: str, region: str) -> bool:
    """Whether the topic or function ``arn`` is in another region or partition than the gate.

    The gate could not use it: Step Functions publishes in its own region, and a button's command
    names the gate's. Text that is no ARN, such as the name of a built-in function, is not
    elsewhere. An empty ``region`` is not known, and not compared.
    """
    if not arn.startswith("arn:"):
        return False
    _, of_arn, _, in_region, *_ = arn.split(":")
    return of_arn != PARTITION or region not in ("", in_region)
