"""Creates what runs: functions, the CodeBuild project, the state machine."""

from local.permissions import services
from local.resources.inputs import Account, Create, Inputs, Made, zipped


def function(account: Account, name: str, inputs: Inputs) -> Made:
    logging, tracing = inputs.nested("loggingConfig"), inputs.nested("tracingConfig")
    environment = inputs.nested("environment")
    made = account.client("lambda", *inputs.region()).create_function(
        FunctionName=account.named(name),
        Description=inputs.take("description"),
        Role=inputs.take("role"),
        Runtime=inputs.take("runtime"),
        Architectures=inputs.take("architectures"),
        Handler=inputs.take("handler"),
        Code={"ZipFile": zipped(inputs.take("code"))},
        MemorySize=inputs.take("memorySize"),
        Timeout=inputs.take("timeout"),
        Environment={"Variables": environment.take("variables", {})},
        TracingConfig={"Mode": tracing.take("mode")},
        Tags=inputs.take("tags", {}),
    )
    account.function_logging[made["FunctionName"]] = {
        "LogFormat": logging.take("logFormat"),
        "ApplicationLogLevel": logging.take("applicationLogLevel"),
        "LogGroup": logging.take("logGroup"),
    }
    for block in (logging, tracing, environment):
        block.done()
    return made["FunctionName"], {"name": made["FunctionName"], "arn": made["FunctionArn"]}


def permission(account: Account, name: str, inputs: Inputs) -> Made:
    account.client("lambda", *inputs.region()).add_permission(
        FunctionName=inputs.take("function"),
        StatementId=name,
        Action=inputs.take("action"),
        Principal=inputs.take("principal"),
        SourceArn=inputs.take("sourceArn"),
        SourceAccount=inputs.take("sourceAccount"),
    )
    return name, {"statementId": name}


def project(account: Account, name: str, inputs: Inputs) -> Made:
    source, environment = inputs.nested("source"), inputs.nested("environment")
    artifacts, cache = inputs.nested("artifacts"), inputs.nested("cache")
    logs, vpc = inputs.nested("logsConfig"), inputs.nested("vpcConfig")
    within = {key: vpc.take(key) for key in ("vpcId", "subnets", "securityGroupIds")}
    cloudwatch = logs.nested("cloudwatchLogs")
    variables = [
        {
            "name": block.take("name"),
            "value": block.take("value"),
            "type": block.take("type", "PLAINTEXT"),
        }
        for block in environment.blocks("environmentVariables")
    ]
    made = account.client("codebuild").create_project(
        name=account.named(name),
        description=inputs.take("description"),
        serviceRole=inputs.take("serviceRole"),
        source={
            "type": source.take("type"),
            "location": source.take("location"),
            "buildspec": source.take("buildspec"),
        },
        sourceVersion=inputs.take("sourceVersion"),
        artifacts={"type": artifacts.take("type")},
        environment={
            "type": environment.take("type"),
            "image": environment.take("image"),
            "computeType": environment.take("computeType"),
            "environmentVariables": variables,
        },
        # Builds of Lambda compute end after 15 minutes.
        timeoutInMinutes=inputs.take("buildTimeout") or 15,
        queuedTimeoutInMinutes=inputs.take("queuedTimeout") or 480,
        cache={
            "type": cache.take("type") or "NO_CACHE",
            "location": cache.take("location") or "",
        },
        encryptionKey=inputs.take("encryptionKey"),
        logsConfig={
            "cloudWatchLogs": {
                "status": cloudwatch.take("status"),
                "groupName": cloudwatch.take("groupName"),
            }
        },
        tags=inputs.tags("key", "value"),
        **({"vpcConfig": within} if within["vpcId"] else {}),
    )["project"]
    for block in (source, environment, artifacts, cache, logs, vpc, cloudwatch):
        block.done()
    return made["arn"], {"name": made["name"], "arn": made["arn"]}


def state_machine(account: Account, name: str, inputs: Inputs) -> Made:
    logging, tracing = (
        inputs.nested("loggingConfiguration"),
        inputs.nested("tracingConfiguration"),
    )
    machine, role = account.named(name), inputs.take("roleArn")
    made = account.client("stepfunctions").create_state_machine(
        name=machine,
        type=inputs.take("type"),
        definition=inputs.take("definition"),
        roleArn=role,
        loggingConfiguration={
            "level": logging.take("level"),
            "includeExecutionData": logging.take("includeExecutionData"),
            "destinations": [
                {"cloudWatchLogsLogGroup": {"logGroupArn": logging.take("logDestination")}}
            ],
        },
        tracingConfiguration={"enabled": tracing.take("enabled")},
        tags=inputs.tags("key", "value"),
    )
    logging.done()
    tracing.done()
    services.state_machine_made(account.guard, role, made["stateMachineArn"])
    return made["stateMachineArn"], {"name": machine, "arn": made["stateMachineArn"]}


CREATE: dict[str, Create] = {
    "aws:lambda/function:Function": function,
    "aws:lambda/permission:Permission": permission,
    "aws:codebuild/project:Project": project,
    "aws:sfn/stateMachine:StateMachine": state_machine,
}
