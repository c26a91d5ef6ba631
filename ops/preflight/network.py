"""The VPC that scans run in, where one is set."""

from collections.abc import Iterator

from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine


def vpc(environment: Environment) -> Iterator[Finding]:
    """Whether the subnets and security groups exist, in that VPC."""
    wanted = environment.settings.vpc
    if not wanted:
        return
    ec2 = environment.client("ec2")
    # A filter finds nothing where an id would raise.
    subnets = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": list(wanted.subnets)}])[
        "Subnets"
    ]
    groups = ec2.describe_security_groups(
        Filters=[{"Name": "group-id", "Values": list(wanted.security_groups)}]
    )["SecurityGroups"]
    lies_in = {
        **{subnet["SubnetId"]: subnet["VpcId"] for subnet in subnets},
        **{group["GroupId"]: group["VpcId"] for group in groups},
    }
    amiss = [
        f"{name} is in {lies_in[name]}" if name in lies_in else f"{name} does not exist"
        for name in (*wanted.subnets, *wanted.security_groups)
        if lies_in.get(name) != wanted.vpc_id
    ]
    for mismatch in amiss:
        yield failed(
            f"{mismatch}; the setting vpcId says {wanted.vpc_id}",
            "CodeBuild refuses the project, or no build starts",
            f"correct vpcSubnets and vpcSecurityGroups in Pulumi.{environment.stack}.yaml",
        )
    if not amiss:
        yield fine(f"subnets and security groups are in {wanted.vpc_id}")
