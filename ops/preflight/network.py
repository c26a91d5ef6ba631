"""The VPC that scans run in, where one is set."""

from collections.abc import Iterator

from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine


def vpc(environment: Environment) -> Iterator[Finding]:
    """Whether the subnets and security groups exist in the VPC of the settings."""
    settings = environment.settings.vpc
    if not settings:
        return
    ec2 = environment.client("ec2")
    # Filters, since the parameters for ids raise an error if one does not exist.
    subnets = ec2.describe_subnets(
        Filters=[{"Name": "subnet-id", "Values": list(settings.subnets)}]
    )["Subnets"]
    groups = ec2.describe_security_groups(
        Filters=[{"Name": "group-id", "Values": list(settings.security_groups)}]
    )["SecurityGroups"]
    vpc_ids = {
        **{subnet["SubnetId"]: subnet["VpcId"] for subnet in subnets},
        **{group["GroupId"]: group["VpcId"] for group in groups},
    }
    mismatches = [
        f"{name} is in {vpc_ids[name]}" if name in vpc_ids else f"{name} does not exist"
        for name in (*settings.subnets, *settings.security_groups)
        if vpc_ids.get(name) != settings.vpc_id
    ]
    for mismatch in mismatches:
        yield failed(
            f"{mismatch}; the setting vpcId says {settings.vpc_id}",
            "CodeBuild refuses the project, or no build starts",
            f"correct vpcSubnets and vpcSecurityGroups in Pulumi.{environment.stack}.yaml",
        )
    if not mismatches:
        yield fine(f"subnets and security groups are in {settings.vpc_id}")
