"""The way of one upload, as an Amazon States Language definition in JSONata.

One execution is the whole life of one upload, and its history is the audit trail. The truth lies in
the
evidence, never in the execution: who opened a scan is what ``scan.json`` says, what was decided is
what
``decision.json`` says. Both are written with ``If-None-Match: *`` and then read back, so a repeated
event, a lost
answer or a click at the instant of the time-out each have one outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

State = dict[str, Any]

# The app is the key's first part; ids go into buttons and S3 keys, so its alphabet is small. The
# version id is S3's.
IDENTIFY = r"""{% (
    $object := $states.input.detail.object;
    $name := $replace($split($object.key, '/')[0], /\.zip$/, '');
    $app := $contains($name, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/) ? $name : 'unnamed';
    {
        'version': 1,
        'scan': $app & '/' & $lookup($object, 'version-id'),
        'app': $app,
        'bucket': $states.input.detail.bucket.name,
        'key': $object.key,
        'versionId': $lookup($object, 'version-id'),
        'etag': $object.etag,
        'size': $object.size,
        'uploadedAt': $states.input.time,
        'uploadedBy': $states.input.detail.requester,
        'execution': $states.context.Execution.Id
    }
) %}"""
UNNAMED = (
    "The key's first part is the app's name: letters, digits, '.', '_' and '-', "
    "at most 64 characters. Upload to <app>/<file>.zip."
)
RFC3339 = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z"
# Step Functions returns the whole build; what CheckBuildStatus needs stays far below the 256 KiB of
# a state's data.
BUILD = """{% $states.result.Build.{
    'Id': Id, 'Arn': Arn, 'BuildStatus': BuildStatus, 'ProjectName': ProjectName, 'Logs': Logs
} %}"""
# What failed, as the person in the channel may see it: escaped for Slack and short.
CAUSE = (
    "$replace($replace($replace($substring($string($states.errorOutput.Cause), 0, 1500),"
    " '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
)

# Any task may meet a throttle or a hiccup: a few tries, spread out. What lasts longer goes to
# Catch.
RETRY = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
RETRY_FOR_DAYS = {**RETRY, "IntervalSeconds": 30, "MaxAttempts": 100, "MaxDelaySeconds": 3600}
# A full CodeBuild is a queue: wait for a place for hours, without hammering.
RETRY_BUILD = [
    {
        "ErrorEquals": ["CodeBuild.AccountLimitExceededException"],
        "IntervalSeconds": 15,
        "BackoffRate": 1.5,
        "MaxAttempts": 200,
        "MaxDelaySeconds": 180,
        "JitterStrategy": "FULL",
    },
    # Not States.TaskFailed: that is a build that ran and failed, and would fail again.
    {**RETRY, "ErrorEquals": ["CodeBuild.CodeBuildException", "CodeBuild.SdkClientException"]},
]


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the state machine calls, by its deployed names."""

    project: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    topic_arn: pulumi.Input[str]
    check_build_status: pulumi.Input[str]
    announce: pulumi.Input[str]
    region: str


def definition(names: Names, *, build_seconds: int, decision_seconds: int) -> State:
    """Return the definition.

    ``build_seconds`` bounds queue and build together, ``decision_seconds`` the wait for people.
    """
    return {
        "Comment": "One upload: open, scan, judge, decide, expire.",
        "QueryLanguage": "JSONata",
        "StartAt": "Identify",
        "States": {
            **_open(names),
            **_scan(names, build_seconds, decision_seconds),
            **_await_decision(names, decision_seconds),
            **_follow_decision(names),
            **_trouble(names),
        },
    }


def _open(names: Names) -> dict[str, State]:
    return {
        "Identify": {
            "Type": "Pass",
            "Assign": {"scan": IDENTIFY, "build": None, "failure": None},
            "Next": "Open",
        },
        "Open": _write(
            names, "scan.json", "{% $scan %}", {"Next": "ReadOpened"}, otherwise="ReadOpened"
        ),
        "ReadOpened": _read(names, "scan.json", "opened", {"Next": "OpenedHere"}),
        "OpenedHere": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $opened.execution != $scan.execution %}", "Next": "Repeated"},
                {"Condition": "{% $scan.app = 'unnamed' %}", "Next": "Unnamed"},
            ],
            "Default": "Scan",
        },
        # EventBridge delivers at least once: another execution has this upload.
        "Repeated": {"Type": "Succeed"},
        "Unnamed": {
            "Type": "Pass",
            "Assign": {"failure": {"Error": "AppName", "Cause": UNNAMED}},
            "Next": "CheckBuildStatus",
        },
    }


def _scan(names: Names, build_seconds: int, decision_seconds: int) -> dict[str, State]:
    environment = {
        "SCAN": "{% $scan.scan %}",
        "APP": "{% $scan.app %}",
        "UPLOAD_BUCKET": "{% $scan.bucket %}",
        "UPLOAD_KEY": "{% $scan.key %}",
        "UPLOAD_VERSION": "{% $scan.versionId %}",
    }
    return {
        "Scan": {
            "Type": "Task",
            "Resource": "arn:aws:states:::codebuild:startBuild.sync",
            "Arguments": {
                "ProjectName": names.project,
                "EnvironmentVariablesOverride": [
                    {"Name": name, "Value": value, "Type": "PLAINTEXT"}
                    for name, value in environment.items()
                ],
            },
            "TimeoutSeconds": build_seconds,
            "Assign": {"build": BUILD},
            "Retry": RETRY_BUILD,
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"failure": "{% $states.errorOutput %}"},
                    "Next": "CheckBuildStatus",
                }
            ],
            "Next": "CheckBuildStatus",
        },
        "CheckBuildStatus": _task(
            "lambda:invoke",
            {
                "FunctionName": names.check_build_status,
                "Payload": {
                    "scan": "{% $scan.scan %}",
                    "app": "{% $scan.app %}",
                    "upload": {
                        "bucket": "{% $scan.bucket %}",
                        "key": "{% $scan.key %}",
                        "versionId": "{% $scan.versionId %}",
                    },
                    "execution": "{% $scan.execution %}",
                    "build": "{% $build %}",
                    "error": "{% $failure %}",
                    "until": _time(decision_seconds),
                },
            },
            {
                "Assign": {
                    "verdict": "{% $states.result.Payload %}",
                    "until": _time(decision_seconds),
                },
                "Next": "Judge",
            },
        ),
        "Judge": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $verdict.status = 'passed' %}", "Next": "ClearPassed"},
                {"Condition": "{% $verdict.status = 'failed' %}", "Next": "MarkFailed"},
            ],
            "Default": "MarkBroken",
        },
        "ClearPassed": _tag("passed", "Passed"),
        "Passed": {"Type": "Succeed"},
        "MarkBroken": _tag("error", "TellBroken"),
        "TellBroken": _publish(names, "{% $string($verdict.card) %}", "Broken"),
        # It was told; an execution that fails is one that lost its way.
        "Broken": {"Type": "Succeed"},
        "MarkFailed": _tag("failed", "TellFailed"),
        "TellFailed": _publish(names, "{% $string($verdict.card) %}", "AwaitDecision"),
    }


def _await_decision(names: Names, decision_seconds: int) -> dict[str, State]:
    return {
        "AwaitDecision": {
            **_task(
                "aws-sdk:s3:putObject.waitForTaskToken",
                {
                    "Bucket": names.artifacts,
                    "Key": "{% 'waiting/' & $scan.scan & '.json' %}",
                    "ContentType": "application/json",
                    "Body": {
                        "scan": "{% $scan.scan %}",
                        "token": "{% $states.context.Task.Token %}",
                        "askedAt": _time(),
                        "until": "{% $until %}",
                    },
                },
                {"Next": "ReadDecision"},
                before_trouble=[{"ErrorEquals": ["States.Timeout"], "Next": "NobodyDecided"}],
            ),
            "TimeoutSeconds": decision_seconds,
            # A time-out is an answer here, not a hiccup.
            "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}, RETRY],
        },
        "NobodyDecided": _write(
            names,
            "decision.json",
            {
                "version": 1,
                "scan": "{% $scan.scan %}",
                "verdict": "expired",
                "reason": "Nobody decided in time.",
                "decidedAt": _time(),
                "until": None,
            },
            {"Next": "ReadDecision"},
            otherwise="ReadDecision",
        ),
        "ReadDecision": _read(names, "decision.json", "decision", {"Next": "Decided"}),
        "Decided": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $decision.verdict = 'approved' %}",
                    "Next": "ClearApproved",
                },
                {"Condition": "{% $decision.verdict = 'rejected' %}", "Next": "MarkRejected"},
            ],
            "Default": "MarkExpired",
        },
    }


def _follow_decision(names: Names) -> dict[str, State]:
    return {
        "ClearApproved": _tag("approved", "AnnounceApproved"),
        **_hold_whatever_happens(_announce(names, "Approved", "HoldException")),
        "HoldException": {
            "Type": "Wait",
            "Timestamp": "{% $decision.until %}",
            "Next": "MarkEnded",
        },
        # Until this is done a version stays deployable that must not be: hours of patience.
        "MarkEnded": {**_tag("expired", "AnnounceEnded"), "Retry": [RETRY_FOR_DAYS]},
        **_announce(names, "Ended", "Ended"),
        "Ended": {"Type": "Succeed"},
        "MarkRejected": _tag("rejected", "AnnounceRejected"),
        **_announce(names, "Rejected", "Rejected"),
        "Rejected": {"Type": "Succeed"},
        "MarkExpired": _tag("expired", "AnnounceExpired"),
        **_announce(names, "Expired", "Expired"),
        "Expired": {"Type": "Succeed"},
    }


def _trouble(names: Names) -> dict[str, State]:
    link = f"https://{names.region}.console.aws.amazon.com/states/home?region={names.region}#/v2/executions/details/"
    return {
        "TellTrouble": {
            **_publish(
                names,
                _card(
                    "'The pipeline could not go on with ' & $scan.app",
                    "'*' & $scan.scan & '* keeps the clearance that it has: look at its tag "
                    "scan-status, and if that says approved, remove it by hand.\\n\\n' & $trouble"
                    f" & '\\n\\n<{link}' & $scan.execution & '|Open the execution>'",
                    # Not a redrive: that would enter Trouble again, and nothing else.
                    "Mend the cause, then upload the zip again: each upload is scanned anew.",
                ),
                "Trouble",
            ),
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Trouble"}],
        },
        "Trouble": {"Type": "Fail", "Error": "PipelineTrouble", "Cause": "{% $trouble %}"},
    }


def _announce(names: Names, event: str, after: str) -> dict[str, State]:
    """Mail ``event``, then publish its card; where mail is refused, publish that instead."""
    announce, tell, unsent = f"Announce{event}", f"Tell{event}", f"TellUnsent{event}"
    return {
        announce: _task(
            "lambda:invoke",
            {
                "FunctionName": names.announce,
                "Payload": {"scan": "{% $scan.scan %}", "event": event.lower()},
            },
            {"Assign": {"card": "{% $states.result.Payload.card %}"}, "Next": tell},
            before_trouble=[
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"trouble": "{% " + CAUSE + " %}"},
                    "Next": unsent,
                }
            ],
        ),
        tell: _publish(names, "{% $string($card) %}", after),
        unsent: _publish(
            names,
            _card(
                f"$scan.app & ': {event.lower()}, but the email could not be sent'",
                f"'*' & $scan.scan & '* is {event.lower()}; that stands. "
                "The developers do not know yet:\\n\\n' & $trouble",
                "Tell the developers. Check that the sender is verified in SES, and, while in its "
                "sandbox, each recipient.",
            ),
            after,
        ),
    }


def _hold_whatever_happens(states: dict[str, State]) -> dict[str, State]:
    """An exception must end: between its clearance and its hold no failure may end the way."""
    for state in states.values():
        for catch in state["Catch"]:
            if catch["Next"] == "TellTrouble":
                catch["Next"] = "HoldException"
    return states


def _card(title: str, description: str, next_step: str) -> str:
    return (
        "{% $string({'version': '1.0', 'source': 'custom', 'content': {"
        f"'textType': 'client-markdown', 'title': {title}, 'description': {description}, "
        f"'nextSteps': ['{next_step}']}}, "
        "'metadata': {'threadId': $scan.scan}}) %}"
    )


def _task(
    resource: str,
    arguments: Mapping[str, Any],
    then: Mapping[str, Any],
    before_trouble: Sequence[State] = (),
) -> State:
    trouble = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"trouble": "{% $states.errorOutput.Error & ': ' & " + CAUSE + " %}"},
        "Next": "TellTrouble",
    }
    catch = list(before_trouble)
    if not any(each["ErrorEquals"] == ["States.ALL"] for each in catch):
        catch.append(trouble)
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": dict(arguments),
        "Retry": [RETRY],
        "Catch": catch,
        **then,
    }


def _time(seconds_from_now: int = 0) -> str:
    return f"{{% $fromMillis($millis() + {seconds_from_now * 1000}, '{RFC3339}') %}}"


def _evidence(name: str) -> str:
    return f"{{% 'scans/' & $scan.scan & '/{name}' %}}"


def _write(names: Names, name: str, body: Any, then: Mapping[str, Any], otherwise: str) -> State:
    """Write evidence unless it is there; what stands is read next, so no error needs a name."""
    return {
        **_task(
            "aws-sdk:s3:putObject",
            {
                "Bucket": names.artifacts,
                "Key": _evidence(name),
                "ContentType": "application/json",
                "IfNoneMatch": "*",
                "Body": body,
            },
            then,
            before_trouble=[{"ErrorEquals": ["States.ALL"], "Next": otherwise}],
        ),
        "Retry": [{**RETRY, "MaxAttempts": 2}],
    }


def _read(names: Names, name: str, variable: str, then: Mapping[str, Any]) -> State:
    return _task(
        "aws-sdk:s3:getObject",
        {"Bucket": names.artifacts, "Key": _evidence(name)},
        {"Assign": {variable: "{% $parse($states.result.Body) %}"}, **then},
    )


def _tag(status: str, after: str) -> State:
    return _task(
        "aws-sdk:s3:putObjectTagging",
        {
            "Bucket": "{% $scan.bucket %}",
            "Key": "{% $scan.key %}",
            "VersionId": "{% $scan.versionId %}",
            "Tagging": {"TagSet": [{"Key": "scan-status", "Value": status}]},
        },
        {"Next": after},
    )


def _publish(names: Names, message: str, after: str) -> State:
    return _task("sns:publish", {"TopicArn": names.topic_arn, "Message": message}, {"Next": after})
