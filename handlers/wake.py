"""Waking the state machine by its task token."""

import boto3
from botocore.exceptions import ClientError

from handlers.evidence import QUICK, error_code

# The wait is over: woken before, timed out, or its execution was stopped.
NOBODY_WAITS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")

sfn = boto3.client("stepfunctions", config=QUICK)


# An execution in one of these has followed what stands, or will.
FOLLOWS = ("RUNNING", "SUCCEEDED")


def follows(execution: str) -> bool:
    """Whether ``execution``, an ARN, has not failed; one that is forgotten has ended long ago."""
    try:
        return sfn.describe_execution(executionArn=execution)["status"] in FOLLOWS
    except sfn.exceptions.ExecutionDoesNotExist:
        return False


def wake(token: str) -> bool:
    """Wake what waits with ``token``; return whether it still did."""
    try:
        sfn.send_task_success(taskToken=token, output="{}")
    except ClientError as error:
        if error_code(error) not in NOBODY_WAITS:
            raise
        return False
    return True
