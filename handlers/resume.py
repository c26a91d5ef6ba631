"""Resuming the state machine by its task token; ``sfn`` is a client of Step Functions."""

from typing import Any

from domain.stored_objects import error_code
from handlers.aws import ClientError

# The wait is over: resumed before, timed out, or its execution was stopped.
NOT_WAITING = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def status(sfn: Any, execution: str) -> str:
    """Return ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.

    ``execution`` is an ARN; of one that Step Functions has forgotten, 90 days after its end,
    ``FORGOTTEN`` (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
    """
    try:
        return sfn.describe_execution(executionArn=execution)["status"]
    except sfn.exceptions.ExecutionDoesNotExist:
        return "FORGOTTEN"


def resume_execution(sfn: Any, token: str) -> bool:
    """Resume what waits with ``token``; return whether it still did."""
    try:
        sfn.send_task_success(taskToken=token, output="{}")
    except ClientError as error:
        if error_code(error) not in NOT_WAITING:
            raise
        return False
    return True
