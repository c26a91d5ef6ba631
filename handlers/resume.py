"""Resumes executions by task token, and reads their status; ``sfn`` is a Step Functions client."""

from typing import Any

from domain.stored_objects import error_code
from handlers.aws import ClientError
from handlers.evidence import waiting

# Errors for a wait that is over: already resumed, timed out, or its execution was stopped.
NOT_WAITING = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def status(sfn: Any, execution: str) -> str:
    """Return ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.

    ``execution`` is an ARN. Step Functions deletes executions 90 days after their end; then
    ``FORGOTTEN`` (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
    """
    try:
        return sfn.describe_execution(executionArn=execution)["status"]
    except sfn.exceptions.ExecutionDoesNotExist:
        return "FORGOTTEN"


def resume_execution(sfn: Any, token: str) -> bool:
    """Resume the execution that waits with ``token``; return whether it still waited."""
    try:
        sfn.send_task_success(taskToken=token, output="{}")
    except ClientError as error:
        if error_code(error) not in NOT_WAITING:
            raise
        return False
    return True


def resume_scan(s3: Any, sfn: Any, state_bucket: str, scan: str) -> bool:
    """Resume the execution of ``scan``, which then reads the evidence; return whether it waited."""
    request = waiting(s3, state_bucket, scan)
    return bool(request and resume_execution(sfn, request["token"]))
