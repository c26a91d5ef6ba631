"""The lifecycle of one upload, as an Amazon States Language definition in JSONata.

One execution covers the whole lifecycle of one upload, and its history is the audit trail. The
evidence is the source of truth, never the execution: ``scan.json`` says which execution owns a
scan, ``decision.json`` what was decided, ``withdrawal.json`` whether an approval was withdrawn.
Each is written once, and functions read it. So a repeated event, a lost response and a click at the
instant of a time-out each have exactly one result.

There is one state for each kind of side effect; variables say what it is about:

- ``$scan`` is scan.json, ``$thread`` the thread of its cards, ``$result`` the result of its build;
- ``$status`` is the value for the tag ``scan-status``, ``$tagged`` the last one that was set;
- ``$event`` is what people are notified of, ``$card`` the notification as text, or ``none``;
- ``$decision`` is what the evidence says: ``{status, expiresAt, approvals}``, ``open`` until it is
  decided; people know ``$until``, the end of an approval, and ``$approvals`` of a request;
- ``$expiresAt`` is when the request expires, ``$pause`` how long to wait without a callback.
"""

from dataclasses import dataclass

from components import fallback_cards
from components.service_errors import ACCOUNT_LIMIT, CODEBUILD, CODEBUILD_TRANSIENT
from components.states import (
    RETRY,
    RETRY_FOR_SECONDS,
    Names,
    State,
    choice,
    one_of,
    publish,
    rule,
    seconds_until,
    task,
    time_in,
    wait_for_callback,
)
from domain import scan_id
from domain.partition import PARTITION

States = dict[str, State]

INVALID_KEY = {
    "Error": "AppName",
    "Cause": "The key's first part is the app's name: letters, digits, '.', '_' and '-', "
    "at most 64 characters. Upload to <app>/<file>.zip.",
}
# Step Functions returns the whole build; the fields that CheckBuildStatus needs stay far below the
# 256 KiB limit of a state's data.
BUILD = (
    "{% $states.result.Build.{'Id': Id, 'Arn': Arn, 'BuildStatus': BuildStatus, "
    "'ProjectName': ProjectName, 'Logs': Logs} %}"
)
# The end of a regular expression: ``$`` would also match before a final newline, in some engines.
END = r"(?![\s\S])"
# If no scan could be opened, the card names the upload by the id that its scan would have had.
UNOPENED = (
    "($object := $states.input.detail.object;"
    " $name := $contains($object.key, '/') ? $split($object.key, '/')[0]"
    f" : $replace($object.key, /\\.zip{END}/, '');"
    f" $app := $contains($name, /^{scan_id.APP.pattern}{END}/) ? $name : '{scan_id.INVALID_KEY}';"
    " $attempt := $exists($states.input.attempt) ? '.' & $states.input.attempt : '';"
    " {'app': $app, 'scan': $app & '/' & $lookup($object, 'version-id') & $attempt})"
)

# Without a callback the evidence is polled after 15 seconds, so that a withdrawal blocks a version
# within a minute, then after twice as long each time, up to a day: a history is limited to 25,000
# events (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
PAUSE_SECONDS, MAX_PAUSE_SECONDS = 15, 86_400
# When the pause has doubled to this, the error counts as permanent and a card reports it: after
# some minutes before a decision is known, after five days once an approval is over.
GIVE_UP_REQUEST, GIVE_UP_TAG = 32 * PAUSE_SECONDS, 16 * MAX_PAUSE_SECONDS

# One execution publishes the digest that starts a thread, while the others wait.
WAIT_FOR_DIGEST_SECONDS = 5

# If CodeBuild is at its limit, wait for a slot for hours, with slow retries.
RETRY_BUILD = [
    {
        "ErrorEquals": [CODEBUILD.name(ACCOUNT_LIMIT)],
        "IntervalSeconds": 15,
        "BackoffRate": 1.5,
        "MaxAttempts": 200,
        "MaxDelaySeconds": 180,
        "JitterStrategy": "FULL",
    },
    # Throttled, an error of the service, or no response: the build may have started nevertheless.
    # Not States.TaskFailed: that is a build that ran and failed, and would fail again.
    {**RETRY, "ErrorEquals": list(CODEBUILD_TRANSIENT)},
]

OPEN, APPROVED = "$decision.status = 'open'", "$decision.status = 'approved'"
APPROVAL_ENDS = "$toMillis($decision.expiresAt)"
APPROVAL_IS_OVER = f"{APPROVED} and {APPROVAL_ENDS} <= $millis()"
# When an approval that is over by what is known is tagged so although the evidence, which may have
# an extension, cannot be read.
DOUBT_SECONDS = 600
DOUBTFUL = f"{APPROVED} and {APPROVAL_ENDS} + {1000 * DOUBT_SECONDS}"
# Events after which the lifecycle of an upload continues; all others end it.
ABOUT_A_REQUEST = ("escalated", "partly-approved")
ABOUT_AN_APPROVAL = ("approved", "extended", "expiring")
CONTINUING = (*ABOUT_A_REQUEST, *ABOUT_AN_APPROVAL)


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Seconds: how long people have to decide, and how early they are notified.

    ``escalate`` is the time before the request expires, ``remind`` before the approval expires; 0
    for never.
    ``audit`` is how long a notification waits for the audit log to say who clicked; 0 for no wait.
    """

    decide: int
    escalate: int
    remind: int
    audit: int

    @property
    def escalates(self) -> bool:
        return 0 < self.escalate < self.decide


def definition(names: Names, *, build_seconds: int, waits: Waits, failure_emails: bool) -> State:
    """Return the definition; ``build_seconds`` bounds queue and build together.

    With ``failure_emails``, an email says at once that a scan did not pass.
    """
    return {
        "Comment": "One upload: open, scan, decide, expire.",
        "QueryLanguage": "JSONata",
        "StartAt": "OpenScan",
        "States": {
            **_open(names, waits),
            **_scan(names, build_seconds, waits.decide),
            **_status(waits),
            **_messages(names, failure_emails=failure_emails),
            **_request(names, waits),
            **_approval(names, waits),
            **_errors(names),
        },
    }


def _open(names: Names, waits: Waits) -> States:
    # A variable that is always defined cannot fail a state.
    variables = {
        **dict.fromkeys(
            ("status", "tagged", "event", "card", "expiresAt", "until", "errorText"), "none"
        ),
        **{name: {} for name in ("build", "failure", "result")},
        "decision": {"status": "open", "approvals": 0},
        "approvals": 0,
        "escalated": not waits.escalates,
        "reminded": False,
        "pause": PAUSE_SECONDS,
    }
    return {
        "OpenScan": task(
            "lambda:invoke",
            {
                "FunctionName": names.open_scan,
                "Payload": {
                    "event": "{% $states.input %}",
                    "execution": "{% $states.context.Execution.Id %}",
                    "retry": "{% $states.context.State.RetryCount %}",
                },
            },
            {
                "Assign": {
                    **variables,
                    "scan": "{% $states.result.Payload.scan %}",
                    "isNew": "{% $states.result.Payload.isNew %}",
                    "thread": "{% $states.result.Payload.scan.scan %}",
                },
                "Next": "IsNewScan",
            },
            on_error_assign={
                **variables,
                "scan": f"{{% {UNOPENED} %}}",
                "thread": f"{{% {UNOPENED}.scan %}}",
            },
        ),
        "IsNewScan": choice(
            rule("$not($isNew)", "DuplicateEvent"),
            rule(f"$scan.app = '{scan_id.INVALID_KEY}'", "CheckBuildStatus", failure=INVALID_KEY),
            default="Scan",
        ),
        # EventBridge delivers at least once: another execution handles this upload.
        "DuplicateEvent": {"Type": "Succeed"},
    }


def _scan(names: Names, build_seconds: int, decision_seconds: int) -> States:
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
            "Resource": f"arn:{PARTITION}:states:::codebuild:startBuild.sync",
            "Arguments": {
                "ProjectName": names.project,
                # Asked again after an answer that was lost, CodeBuild returns the build that it
                # started: a second one would find the evidence written, and fail.
                "IdempotencyToken": "{% $states.context.Execution.Name %}",
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
        "CheckBuildStatus": task(
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
                    "build": "{% $exists($build.Id) ? $build : null %}",
                    "error": "{% $exists($failure.Error) ? $failure : null %}",
                    "expiresAt": time_in(decision_seconds),
                    "covers": True,
                },
            },
            {
                "Assign": {
                    "result": "{% $states.result.Payload %}",
                    "status": "{% $states.result.Payload.status %}",
                    "thread": "{% $states.result.Payload.thread %}",
                    "card": _card_of("$states.result.Payload"),
                    "expiresAt": time_in(decision_seconds),
                },
                "Next": "TagStatus",
            },
        ),
    }


def _status(waits: Waits) -> States:
    """Set the status of the version, then notify people if they need to know."""
    gate_result = one_of("$status", "failed", "error")
    wait_for_audit_log: States = {}
    clicked: list[State] = []
    if waits.audit:
        # The chat service's log says who clicked, some seconds later than the click itself.
        clicked = [rule(one_of("$status", "approved", "rejected", "withdrawn"), "WaitForAuditLog")]
        end = f"$status = 'approved' ? {seconds_until(APPROVAL_ENDS)} : {waits.audit}"
        wait_for_audit_log["WaitForAuditLog"] = {
            "Type": "Wait",
            "Seconds": f"{{% $min([{waits.audit}, {end}]) %}}",
            "Next": "Notify",
        }
    return {
        "TagStatus": task(
            "aws-sdk:s3:putObjectTagging",
            {
                "Bucket": "{% $scan.bucket %}",
                "Key": "{% $scan.key %}",
                "VersionId": "{% $scan.versionId %}",
                "Tagging": {"TagSet": [{"Key": "scan-status", "Value": "{% $status %}"}]},
            },
            {
                "Assign": {
                    "tagged": "{% $status %}",
                    "event": "{% $status %}",
                    "pause": PAUSE_SECONDS,
                },
                "Next": "RouteByStatus",
            },
            on_error="TagFailed",
        ),
        "RouteByStatus": choice(
            rule("$status = 'passed' and $card = 'none'", "Done"),
            # The app failed before.
            rule("$status = 'passed'", "PublishOutcome"),
            # An exception covers the version.
            rule("$status = 'failed' and $card = 'none'", "CheckForDecision"),
            # Too many cards at once: this one has the thread of them all, which begins with a
            # digest.
            rule(
                f"{gate_result} and $result.opening != null",
                "PublishCard",
                event="digest",
                card="{% $string($result.opening) %}",
            ),
            rule(f"{gate_result} and $thread != $scan.scan", "WaitForDigest"),
            rule(gate_result, "PublishCard"),
            *clicked,
            default="Notify",
        ),
        "WaitForDigest": {
            "Type": "Wait",
            "Seconds": WAIT_FOR_DIGEST_SECONDS,
            "Next": "PublishCard",
        },
        **wait_for_audit_log,
    }


def _messages(names: Names, *, failure_emails: bool) -> States:
    """Send the email about ``$event`` and publish its card, unless it is no longer true."""
    escalate: States = {}
    escalated: list[State] = []
    if names.escalation_topic:
        escalated = [rule("$event = 'escalated' and $card != 'none'", "PublishEscalation")]
        escalate["PublishEscalation"] = publish(
            names.escalation_topic, {"Next": "AwaitDecision"}, on_error="AwaitDecision"
        )
    mail_failure: States = {}
    failed: list[State] = []
    if failure_emails:
        failed = [rule(one_of("$event", "failed", "error"), "MailFailure")]
        mail_failure = {
            # Asynchronously: the lifecycle does not wait for SES, and Lambda retries.
            "MailFailure": task(
                "lambda:invoke",
                {"InvocationType": "Event", **_notify(names)},
                {"Next": "RouteByFailure"},
                on_error="RouteByFailure",
                retry=[RETRY_FOR_SECONDS],
            ),
            "RouteByFailure": choice(rule("$status = 'failed'", "AwaitDecision"), default="Done"),
        }
    return {
        "Notify": task(
            "lambda:invoke",
            _notify(names),
            {"Assign": {"card": _card_of("$states.result.Payload")}, "Next": "RouteByCard"},
            on_error="RouteByCard",
            on_error_assign={"card": fallback_cards.NOT_NOTIFIED},
        ),
        "RouteByCard": choice(
            rule("$card = 'none'", "RouteByEvent"),
            rule(one_of("$event", *CONTINUING), "PublishCard"),
            default="PublishOutcome",
        ),
        "PublishCard": publish(names.topic_arn, {"Next": "RouteByEvent"}),
        # The last card of most lives: PublishCard, RouteByEvent and Done would be two more states.
        "PublishOutcome": publish(names.topic_arn, {"End": True}),
        **escalate,
        "RouteByEvent": choice(
            rule("$event = 'pipeline-error'", "PipelineError"),
            rule(
                "$event = 'digest'",
                "PublishCard",
                event="{% $status %}",
                card="{% $string($result.card) %}",
            ),
            *escalated,
            *failed,
            rule(one_of("$event", "failed", *ABOUT_A_REQUEST), "AwaitDecision"),
            rule(one_of("$event", *ABOUT_AN_APPROVAL), "AwaitWithdrawal"),
            rule("$event = 'approval-delayed'", "WaitWithoutCallback"),
            default="Done",
        ),
        **mail_failure,
        "Done": {"Type": "Succeed"},
    }


def _notify(names: Names) -> State:
    """The arguments that call the function about ``$event``."""
    return {
        "FunctionName": names.notify,
        "Payload": {
            "scan": "{% $scan.scan %}",
            "event": "{% $event %}",
            "expiresAt": "{% $expiresAt %}",
            "until": "{% $until %}",
        },
    }


def _request(names: Names, waits: Waits) -> States:
    """Wait until a user decides or the request expires; escalate some time before that."""
    escalate = 1000 * waits.escalate if waits.escalates else 0
    expires = "$toMillis($expiresAt)"
    looked_at = {"Assign": {"pause": PAUSE_SECONDS}, "Next": "CheckForDecision"}
    return {
        "AwaitDecision": wait_for_callback(
            names,
            "decision",
            expires_at="{% $expiresAt %}",
            timeout=f"{{% {seconds_until(f'{expires} - ($escalated ? 0 : {escalate})')} %}}",
            transition=looked_at,
            on_timeout=looked_at,
        ),
        # handlers/callback.py says what the evidence says; of a request that has expired, and that
        # nobody has decided, it first writes that.
        "CheckForDecision": task(
            "lambda:invoke",
            {
                "FunctionName": names.callback,
                "Payload": {
                    "scan": "{% $scan.scan %}",
                    "sha256": "{% $result.sha256 %}",
                    "expired": f"{{% {expires} <= $millis() %}}",
                },
            },
            {"Assign": {"decision": "{% $states.result.Payload %}"}, "Next": "RouteByDecision"},
            on_error="CheckFailed",
        ),
        "RouteByDecision": choice(
            rule(f"{OPEN} and {expires} <= $millis()", "CheckForDecision"),
            rule(
                f"{OPEN} and $decision.approvals > $approvals",
                "Notify",
                event="partly-approved",
                approvals="{% $decision.approvals %}",
            ),
            rule(
                f"{OPEN} and $not($escalated) and {expires} - {escalate} <= $millis()",
                "Notify",
                event="escalated",
                escalated=True,
            ),
            rule(OPEN, "AwaitDecision"),
            *_approval_rules(waits),
            rule(
                one_of("$decision.status", "rejected", "request-expired", "superseded"),
                "TagStatus",
                status="{% $decision.status %}",
            ),
            default="DescribeError",
            assign={"errorText": "{% 'unknown decision: ' & $string($decision.status) %}"},
        ),
    }


def _approval_rules(waits: Waits) -> list[State]:
    """The transitions while a version is approved, most important first."""
    remind = f"{APPROVAL_ENDS} - {1000 * waits.remind}"
    # An approval shorter than the reminder period gets no reminder.
    known = {"until": "{% $decision.expiresAt %}", "reminded": f"{{% {remind} <= $millis() %}}"}
    return [
        rule("$decision.status = 'withdrawn'", "TagStatus", **_tag_at_last("withdrawn")),
        rule(APPROVAL_IS_OVER, "TagStatus", **_tag_at_last("approval-expired")),
        rule(
            f"{APPROVED} and $tagged != 'approved'",
            "TagStatus",
            status="approved",
            **known,
        ),
        rule(
            f"{APPROVED} and $decision.expiresAt != $until",
            "WaitForAuditLog" if waits.audit else "Notify",
            event="extended",
            **known,
        ),
        rule(
            f"{APPROVED} and $not($reminded) and {remind} <= $millis()",
            "Notify",
            event="expiring",
            reminded=True,
        ),
        rule(APPROVED, "AwaitWithdrawal"),
    ]


def _tag_at_last(status: str) -> dict[str, str]:
    """Begin to set the status that ends an approval; its retries count from there."""
    return {"status": status, "pause": f"{{% $status = '{status}' ? $pause : {PAUSE_SECONDS} %}}"}


def _approval(names: Names, waits: Waits) -> States:
    """Follow an approval until it is withdrawn or expires and is tagged so; no error may stop this.

    The withdrawal is checked before and after each wait.
    """
    end = f"{APPROVAL_ENDS} - ($reminded ? 0 : {1000 * waits.remind})"
    looked_at = {"Assign": {"pause": PAUSE_SECONDS}, "Next": "CheckForDecision"}
    still_tagged = f"$status = 'approved' and {APPROVAL_IS_OVER}"
    until_end = (
        f"{still_tagged} ? {PAUSE_SECONDS} : {APPROVED} and {APPROVAL_ENDS} > $millis()"
        f" ? {seconds_until(APPROVAL_ENDS)}"
    )
    return {
        "AwaitWithdrawal": wait_for_callback(
            names,
            "exception",
            expires_at="{% $decision.expiresAt %}",
            timeout=f"{{% {seconds_until(end)} %}}",
            transition=looked_at,
            on_timeout=looked_at,
            on_error="CheckFailed",
            retry=RETRY_FOR_SECONDS,
        ),
        "WaitWithoutCallback": {
            "Type": "Wait",
            "Seconds": f"{{% $min([$pause, {MAX_PAUSE_SECONDS}, {until_end} : $pause]) %}}",
            "Assign": {"pause": f"{{% $min([2 * $pause, {GIVE_UP_TAG}]) %}}"},
            "Next": "CheckForDecision",
        },
    }


def _errors(names: Names) -> States:
    """The transitions after a task has failed and its retries are used up."""
    return {
        # S3 may have set the tag although its response was lost, so an approval is followed to its
        # end. Until that end is tagged, the version stays deployable although it must not be.
        "TagFailed": choice(
            rule(
                "$status = 'approved' and $event != 'approval-delayed'",
                "PublishCard",
                event="approval-delayed",
                card=fallback_cards.APPROVAL_DELAYED,
            ),
            rule("$status = 'approved'", "WaitWithoutCallback"),
            rule(
                f"{one_of('$status', 'withdrawn', 'approval-expired')} and $pause < {GIVE_UP_TAG}",
                "WaitWithoutCallback",
            ),
            default="DescribeError",
        ),
        # The decision could not be read, or the wait for it failed.
        "CheckFailed": choice(
            rule("$decision.status = 'withdrawn'", "TagStatus"),
            # An approval that is over by what is known may have been extended, but is not taken to
            # be for long.
            rule(f"{DOUBTFUL} <= $millis()", "TagStatus", **_tag_at_last("approval-expired")),
            rule(
                f"{APPROVED} or {OPEN} and $pause < {GIVE_UP_REQUEST}",
                "WaitWithoutCallback",
            ),
            default="DescribeError",
        ),
        # The lifecycle must continue to its end even if a notification cannot be published.
        "PublishFailed": choice(
            rule("$event = 'pipeline-error'", "PipelineError"),
            rule(one_of("$event", "digest", "approval-delayed", *CONTINUING), "RouteByEvent"),
            default="DescribeError",
        ),
        "DescribeError": {
            "Type": "Pass",
            "Assign": {
                "event": "pipeline-error",
                "card": fallback_cards.pipeline_error(names.region),
            },
            "Next": "PublishCard",
        },
        "PipelineError": {"Type": "Fail", "Error": "PipelineError", "Cause": "{% $errorText %}"},
    }


def _card_of(answer: str) -> str:
    """An expression for the card in a function's response as text, ``none`` if it has none."""
    return f"{{% {answer}.card ? $string({answer}.card) : 'none' %}}"
