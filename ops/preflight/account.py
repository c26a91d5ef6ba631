"""The account: quotas, permissions, and existing resources that would conflict."""

import re
from collections.abc import Iterator

from botocore.exceptions import ClientError

from components.settings import SCAN_AGAIN
from domain.stored_objects import error_code
from ops.invocation import CHATOPS
from ops.output import counted
from ops.preflight.environment import Environment, every
from ops.preflight.finding import Finding, failed, fine, listed, unknown, warning
from ops.rights import Statement, statements

LOG_REGION = "us-east-1"
# With this many, a burst of uploads is evaluated in a few minutes, and other teams can still run.
ENOUGH_BUILDS, ENOUGH_CALLS = 5, 50
PLATFORMS = {"x86_64": "Linux", "arm64": "ARM"}
SIZES = {
    "SMALL": "Small",
    "MEDIUM": "Medium",
    "LARGE": "Large",
    "XLARGE": "XLarge",
    "2XLARGE": "2XLarge",
}


def credentials(environment: Environment) -> Iterator[Finding]:
    """The identity and region that the deployment uses."""
    if environment.identity.is_root:
        yield warning(
            "these are the root user's credentials",
            "nothing limits them, and the log of who did what says little",
            "deploy under a role: docs/deploy-role.md",
        )
    else:
        yield fine(f"{environment.identity.arn} in {environment.region}")


def builds(environment: Environment) -> Iterator[Finding]:
    """CodeBuild's quota: how many scans can run at the same time."""
    compute = environment.settings.compute(environment.region)
    platform = PLATFORMS[compute.architecture]
    if compute.is_lambda:
        size = compute.type.removeprefix("BUILD_LAMBDA_").removesuffix("GB")
        kind = f"{platform} Lambda/{size}GB"
        # How AWS writes it could not be looked up.
        pattern = rf"Concurrently running .*{platform}\W+Lambda\W+{size} ?GB.*"
    else:
        kind = f"{platform}/{SIZES[compute.type.removeprefix('BUILD_GENERAL1_')]}"
        pattern = re.escape(f"Concurrently running builds for {kind} environment")
    client = environment.client("service-quotas")
    quotas = every(client, "list_service_quotas", "Quotas", ServiceCode="codebuild")
    matching = [quota for quota in quotas if re.fullmatch(pattern, quota["QuotaName"])]
    if not matching:
        yield unknown(
            f"no quota is that of builds of {kind}",
            "whether scans can run at once is not known",
            "aws service-quotas list-service-quotas --service-code codebuild "
            f"--region {environment.region}",
        )
        return
    most = int(matching[0]["Value"])
    raise_it = (
        "aws service-quotas request-service-quota-increase --service-code codebuild "
        f"--quota-code {matching[0]['QuotaCode']} --desired-value 20 --region {environment.region}"
    )
    if most < 1:
        yield failed(f"no build of {kind} may run", "no upload would ever be scanned", raise_it)
    elif most < ENOUGH_BUILDS:
        yield warning(
            f"{most} builds of {kind} may run at once",
            "further uploads wait their turn, and so do other teams of the account",
            raise_it,
        )
    else:
        yield fine(f"{most} builds of {kind} may run at once")


def calls(environment: Environment) -> Iterator[Finding]:
    """Lambda's quota: how many functions can run at the same time."""
    free = environment.client("lambda").get_account_settings()["AccountLimit"][
        "UnreservedConcurrentExecutions"
    ]
    raise_it = (
        "aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code L-B99A9384 --desired-value 1000 --region {environment.region}"
    )
    if free < ENOUGH_CALLS:
        yield warning(
            f"{free} Lambda functions may run at once",
            "while others of the account take them, a click of a button may be refused",
            raise_it,
        )
    else:
        yield fine(f"{free} Lambda functions may run at once")


def roles(environment: Environment) -> Iterator[Finding]:
    """Whether there is room for the stack's roles and policies."""
    if environment.deployed:
        yield fine("the stack's roles exist")
        return
    summary = environment.client("iam").get_account_summary()["SummaryMap"]
    short = False
    for kind, has, most in (
        ("iam/role:Role", "Roles", "RolesQuota"),
        ("iam/policy:Policy", "Policies", "PoliciesQuota"),
    ):
        needed = sum(resource.kind == f"aws:{kind}" for resource in environment.resources)
        room = summary[most] - summary[has]
        if room < needed:
            short = True
            yield failed(
                f"the account has room for {room} more {has.lower()}, the stack makes {needed}",
                "`pulumi up` would stop half-way",
                "remove unused ones, or raise the quota of IAM (service code iam, us-east-1)",
            )
    if not short:
        yield fine("there is room for the stack's roles and policies")


def remains(environment: Environment) -> Iterator[Finding]:
    """Whether resources of a stack of this name exist although this stack has created none."""
    if environment.deployed:
        yield fine("the stack is deployed")
        return
    left_behind = list(
        every(
            environment.client("resourcegroupstaggingapi"),
            "get_resources",
            "ResourceTagMappingList",
            TagFilters=[
                {"Key": "project", "Values": ["chatops-slack"]},
                {"Key": "stack", "Values": [environment.stack]},
            ],
        )
    )
    if left_behind:
        yield warning(
            f"{counted(len(left_behind), 'thing')} with the tags of a stack {environment.stack}, "
            f"as {left_behind[0]['ResourceARN']}",
            "another state deploys a stack of this name here, or one was left behind; "
            "roles, buttons and cards would be taken for each other's",
            "use the state that made them, or name the stack otherwise: pulumi stack rename",
        )
    else:
        yield fine(f"nothing of a stack {environment.stack} is left behind")


def audit_log(environment: Environment) -> Iterator[Finding]:
    """Whether the log of the chat service, which the stack takes over, exists already."""
    if not environment.settings.record_approver:
        return
    name = f"/aws/chatbot/{environment.prefix}"
    logs = environment.client("logs", LOG_REGION)
    groups = [
        log_group
        for log_group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if log_group["logGroupName"] == name
    ]
    if not groups:
        yield fine(f"log group {name} will be made")
        return
    tags = logs.list_tags_for_resource(resourceArn=groups[0]["arn"].removesuffix(":*"))["tags"]
    if tags.get("managed-by") == "pulumi":
        yield fine(f"log group {name} is the stack's")
    else:
        yield failed(
            f"log group {name} exists in {LOG_REGION}: the chat service made it",
            "`pulumi up` makes it itself, and would stop there",
            "adopt it: docs/approver-audit.md, When the log group exists already; or, if nobody "
            "needs it: "
            f"aws logs delete-log-group --log-group-name {name} --region {LOG_REGION}",
        )


def rights(environment: Environment) -> Iterator[Finding]:
    """Whether the caller may do all that `pulumi up` and `pulumi destroy` do."""
    if environment.identity.is_root:
        yield fine("the root user may do everything")
        return
    iam = environment.client("iam")
    source = environment.identity.arn
    if environment.identity.role:
        source = iam.get_role(RoleName=environment.identity.role)["Role"]["Arn"]
    refused: list[str] = []
    for statement in statements(
        environment.stack, environment.resources, environment.identity.account, environment.region
    ):
        results = every(
            iam,
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=source,
            ActionNames=statement["Action"],
            ResourceArns=[_concrete(arn) for arn in statement["Resource"]],
            ContextEntries=_context(statement),
        )
        refused += [
            result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"
        ]
    names = sorted(set(refused))
    if names:
        yield failed(
            f"{source} may not {listed(names)}",
            "`pulumi up` or `pulumi destroy` would stop half-way",
            f"{CHATOPS} rights --stack {environment.stack}, and attach what it prints",
        )
    else:
        yield fine(f"{source} may do all that this program does")


def named(environment: Environment) -> Iterator[Finding]:
    """Whether the topic and the functions that settings refer to exist."""
    topic = environment.settings.escalation_topic
    functions = sorted(
        {custom_action.function for custom_action in environment.settings.custom_actions}
        - {SCAN_AGAIN}
    )
    absent = []
    if topic:
        try:
            environment.client("sns", topic.split(":")[3]).get_topic_attributes(TopicArn=topic)
        except ClientError as error:
            if error_code(error) not in ("NotFound", "NotFoundException"):
                raise
            absent.append(("escalationTopic", topic))
    for arn in functions:
        try:
            environment.client("lambda", arn.split(":")[3]).get_function_configuration(
                FunctionName=arn
            )
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            absent.append(("customActions", arn))
    for key, arn in absent:
        yield failed(
            f"{arn} does not exist",
            "escalations would end there" if arn == topic else "its button would do nothing",
            f"make it, or correct the setting {key} in Pulumi.{environment.stack}.yaml",
        )
    if (topic or functions) and not absent:
        yield fine("the topic and functions that settings name exist")


def _concrete(pattern: str) -> str:
    """An ARN that matches the pattern; the simulator accepts ``*`` only as a whole ARN."""
    return pattern if pattern == "*" else pattern.replace("*", "preflight")


def _context(statement: Statement) -> list[dict[str, object]]:
    """Context entries that fulfil the statement's conditions."""
    equal = statement.get("Condition", {}).get("StringEquals", {})
    return [
        {
            "ContextKeyName": key,
            # A request has one value, so any of the allowed ones fits.
            "ContextKeyValues": [value if isinstance(value, str) else value[0]],
            "ContextKeyType": "string",
        }
        for key, value in equal.items()
    ]
