"""The account: its quotas, its rights, and what in it would be in the way."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from components.settings import SCAN_AGAIN
from domain.stored_objects import error_code
from ops.output import counted
from ops.preflight.environment import Environment, every
from ops.preflight.finding import Finding, failed, fine, unknown, warning
from ops.rights import Statement, statements

LOG_REGION = "us-east-1"
# At this many, a burst of uploads is evaluated in a few minutes, and other teams still run.
ENOUGH_BUILDS, ENOUGH_CALLS = 5, 50
PLATFORMS = {"x86_64": "Linux", "arm64": "ARM"}
SIZES = {
    "SMALL": "Small",
    "MEDIUM": "Medium",
    "LARGE": "Large",
    "XLARGE": "XLarge",
    "2XLARGE": "2XLarge",
}


def credentials(its: Environment) -> Iterator[Finding]:
    """Who deploys, and where."""
    if its.identity.is_root:
        yield warning(
            "these are the root user's credentials",
            "nothing limits them, and the log of who did what says little",
            "deploy under a role: docs/deploy-role.md",
        )
    else:
        yield fine(f"{its.identity.arn} in {its.region}")


def builds(its: Environment) -> Iterator[Finding]:
    """How many scans may run at once."""
    size = its.settings.compute_type.removeprefix("BUILD_GENERAL1_")
    kind = f"{PLATFORMS[its.settings.architecture]}/{SIZES[size]}"
    name = f"Concurrently running builds for {kind} environment"
    client = its.client("service-quotas")
    quotas = every(client, "list_service_quotas", "Quotas", ServiceCode="codebuild")
    matching = [quota for quota in quotas if quota["QuotaName"] == name]
    if not matching:
        yield unknown(
            f"no quota is named {name!r}",
            "whether scans can run at once is not known",
            "aws service-quotas list-service-quotas --service-code codebuild "
            f"--region {its.region}",
        )
        return
    most = int(matching[0]["Value"])
    raise_it = (
        "aws service-quotas request-service-quota-increase --service-code codebuild "
        f"--quota-code {matching[0]['QuotaCode']} --desired-value 20 --region {its.region}"
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


def calls(its: Environment) -> Iterator[Finding]:
    """How many Lambda functions may run at once."""
    free = its.client("lambda").get_account_settings()["AccountLimit"][
        "UnreservedConcurrentExecutions"
    ]
    raise_it = (
        "aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code L-B99A9384 --desired-value 1000 --region {its.region}"
    )
    if free < ENOUGH_CALLS:
        yield warning(
            f"{free} Lambda functions may run at once",
            "while others of the account take them, a click of a button may be refused",
            raise_it,
        )
    else:
        yield fine(f"{free} Lambda functions may run at once")


def roles(its: Environment) -> Iterator[Finding]:
    """Whether there is room for the stack's roles and policies."""
    if its.deployed:
        yield fine("the stack's roles exist")
        return
    summary = its.client("iam").get_account_summary()["SummaryMap"]
    short = False
    for kind, has, most in (
        ("iam/role:Role", "Roles", "RolesQuota"),
        ("iam/policy:Policy", "Policies", "PoliciesQuota"),
    ):
        needed = sum(resource.kind == f"aws:{kind}" for resource in its.resources)
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


def remains(its: Environment) -> Iterator[Finding]:
    """Whether something of a stack of this name is there, though this stack has made nothing."""
    if its.deployed:
        yield fine("the stack is deployed")
        return
    left_behind = list(
        every(
            its.client("resourcegroupstaggingapi"),
            "get_resources",
            "ResourceTagMappingList",
            TagFilters=[
                {"Key": "project", "Values": ["chatops-slack"]},
                {"Key": "stack", "Values": [its.stack]},
            ],
        )
    )
    if left_behind:
        yield warning(
            f"{counted(len(left_behind), 'thing')} with the tags of a stack {its.stack}, "
            f"as {left_behind[0]['ResourceARN']}",
            "another state deploys a stack of this name here, or one was left behind; "
            "roles, buttons and cards would be taken for each other's",
            "use the state that made them, or name the stack otherwise: pulumi stack rename",
        )
    else:
        yield fine(f"nothing of a stack {its.stack} is left behind")


def audit_log(its: Environment) -> Iterator[Finding]:
    """Whether the log of the chat service, which the stack takes over, exists already."""
    if not its.settings.record_approver:
        return
    name = f"/aws/chatbot/{its.prefix}"
    logs = its.client("logs", LOG_REGION)
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


def rights(its: Environment) -> Iterator[Finding]:
    """Whether the caller may do all that `pulumi up` and `pulumi destroy` do."""
    if its.identity.is_root:
        yield fine("the root user may do everything")
        return
    iam = its.client("iam")
    source = its.identity.arn
    if its.identity.role:
        source = iam.get_role(RoleName=its.identity.role)["Role"]["Arn"]
    refused: list[str] = []
    for statement in statements(its.stack, its.resources, its.identity.account, its.region):
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
        listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        yield failed(
            f"{source} may not {listed}",
            "`pulumi up` or `pulumi destroy` would stop half-way",
            f"python -m ops rights --stack {its.stack}, and attach what it prints",
        )
    else:
        yield fine(f"{source} may do all that this program does")


def named(its: Environment) -> Iterator[Finding]:
    """Whether the topic and the functions exist that settings only name."""
    topic = its.settings.escalation_topic
    functions = sorted(
        {custom_action.function for custom_action in its.settings.custom_actions} - {SCAN_AGAIN}
    )
    absent = []
    if topic:
        try:
            its.client("sns", topic.split(":")[3]).get_topic_attributes(TopicArn=topic)
        except ClientError as error:
            if error_code(error) not in ("NotFound", "NotFoundException"):
                raise
            absent.append(("escalationTopic", topic))
    for arn in functions:
        try:
            its.client("lambda", arn.split(":")[3]).get_function_configuration(FunctionName=arn)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            absent.append(("customActions", arn))
    for key, arn in absent:
        yield failed(
            f"{arn} does not exist",
            "escalations would end there" if arn == topic else "its button would do nothing",
            f"make it, or correct the setting {key} in Pulumi.{its.stack}.yaml",
        )
    if (topic or functions) and not absent:
        yield fine("the topic and functions that settings name exist")


def deployers(its: Environment) -> Iterator[Finding]:
    """Whether the roles and users exist that may read what is cleared."""
    iam = its.client("iam")
    for arn in its.settings.deployers:
        account, kind, name = arn.split(":")[4], arn.split(":")[5].split("/")[0], arn.split("/")[-1]
        if account != its.identity.account:
            yield unknown(
                f"deployer {arn} is in another account",
                "whether it exists can't be seen from here; if not, `pulumi up` stops at the "
                "bucket's policy",
                f"aws iam get-{kind} --{kind}-name {name}, in account {account}",
            )
            continue
        try:
            principal = (
                iam.get_role(RoleName=name)["Role"]
                if kind == "role"
                else iam.get_user(UserName=name)["User"]
            )
        except ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise
            principal = {"Arn": None}
        if principal["Arn"] != arn:
            yield failed(
                f"deployer {arn} does not exist",
                "S3 refuses a policy that names nobody: `pulumi up` would stop there",
                f"correct the setting deployers in Pulumi.{its.stack}.yaml, or make the {kind}",
            )
        else:
            yield fine(f"deployer {arn} exists")
    if not its.settings.deployers:
        yield fine("no deployers are set: those who deploy need permissions of their own")


def _concrete(pattern: str) -> str:
    """An ARN that the pattern stands for; the simulator takes a wildcard only on its own."""
    return pattern if pattern == "*" else pattern.replace("*", "preflight")


def _context(statement: Statement) -> list[dict[str, object]]:
    """The conditions of the statement, fulfilled."""
    equal = statement.get("Condition", {}).get("StringEquals", {})
    return [
        {
            "ContextKeyName": key,
            # A request names one service, whichever of them.
            "ContextKeyValues": [value if isinstance(value, str) else value[0]],
            "ContextKeyType": "string",
        }
        for key, value in equal.items()
    ]
