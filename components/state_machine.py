"""The way of one upload, as an Amazon States Language definition in JSONata.

One execution is the whole life of one upload, and its history is the audit trail. The truth lies in
the evidence, never in the execution: who opened a scan is what ``scan.json`` says, what was decided
is what ``decision.json`` says, and whether an approval was taken back ``withdrawal.json``. They are
written with ``If-None-Match: *`` and then read, so a repeated event, a lost answer or a click at
the instant of a time-out each have one outcome.
"""

from dataclasses import dataclass

from components.states import (
    CAUSE,
    RETRY,
    RETRY_FOR_DAYS,
    RETRY_FOR_SECONDS,
    Names,
    State,
    card,
    now,
    publish,
    read,
    seconds_until,
    tag,
    task,
    wait,
    whatever_happens,
    write,
    write_decision,
)

# The app is the key's first part; ids go into buttons and S3 keys, so its alphabet is small. The
# version id is S3's; a version that is scanned again is another attempt, with its own evidence.
IDENTIFY = r"""{% (
    $object := $states.input.detail.object;
    $name := $replace($split($object.key, '/')[0], /\.zip$/, '');
    $app := $contains($name, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/) ? $name : 'invalid-key';
    $attempt := $exists($states.input.attempt) ? $states.input.attempt : 1;
    $again := $attempt > 1 ? '.' & $attempt : '';
    {
        'version': 1,
        'scan': $app & '/' & $lookup($object, 'version-id') & $again,
        'attempt': $attempt,
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
# Step Functions returns the whole build; what CheckBuildStatus needs stays far below the 256 KiB of
# a state's data.
BUILD = """{% $states.result.Build.{
    'Id': Id, 'Arn': Arn, 'BuildStatus': BuildStatus, 'ProjectName': ProjectName, 'Logs': Logs
} %}"""

# An exception that cannot be woken is looked at after a minute, two, four, a day at most: a history
# ends at 25,000 events (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
BLIND_SECONDS, MOST_BLIND_SECONDS = 60, 86_400

# What begins a thread is published by one execution while others wait with their replies.
FLOOD_BEGINS_SECONDS = 5

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
    # AWS names what it throttles as in version 1 of its SDK for Java.
    {
        **RETRY,
        "ErrorEquals": [
            "CodeBuild.AWSCodeBuildException",
            "CodeBuild.CodeBuildException",
            "CodeBuild.SdkClientException",
        ],
    },
]


# Events whose names are not those of their states.
EVENTS = {"Expired": "request-expired", "Ending": "expiring", "Ended": "approval-expired"}


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Seconds: how long people have to decide, and what comes how long before an end.

    ``escalate`` before the request's end and ``remind`` before the exception's; 0 for never.
    ``who`` is how long an email waits to be told who pressed; 0 where nobody tells.
    """

    decide: int
    escalate: int
    remind: int
    who: int

    @property
    def escalates(self) -> bool:
        return 0 < self.escalate < self.decide


def definition(names: Names, *, build_seconds: int, waits: Waits) -> State:
    """Return the definition; ``build_seconds`` bounds queue and build together."""
    return {
        "Comment": "One upload: open, scan, judge, decide, expire.",
        "QueryLanguage": "JSONata",
        "StartAt": "Identify",
        "States": {
            **_open(names),
            **_scan(names, build_seconds, waits.decide),
            **_await_decision(names, waits),
            **_follow_decision(names, waits),
            **_hold_exception(names, waits),
            **_trouble(names),
        },
    }


def _open(names: Names) -> dict[str, State]:
    return {
        "Identify": {
            "Type": "Pass",
            "Assign": {"scan": IDENTIFY, "build": None, "failure": None, "verdict": None},
            "Next": "Open",
        },
        "Open": write(
            names, "scan.json", "{% $scan %}", {"Next": "ReadOpened"}, otherwise="ReadOpened"
        ),
        "ReadOpened": read(names, "scan.json", "opened", {"Next": "OpenedHere"}),
        "OpenedHere": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $opened.execution != $scan.execution %}", "Next": "Repeated"},
                {"Condition": "{% $scan.app = 'invalid-key' %}", "Next": "Unnamed"},
            ],
            "Default": "Supersede",
        },
        # Whatever comes of it: a press about an older version is told of this one, too.
        "Supersede": task(
            "lambda:invoke",
            {"FunctionName": names.supersede, "Payload": "{% $scan %}"},
            {"Next": "Scan"},
            before_trouble=[{"ErrorEquals": ["States.ALL"], "Next": "Scan"}],
        ),
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
                    "build": "{% $build %}",
                    "error": "{% $failure %}",
                    "expiresAt": now(decision_seconds),
                },
            },
            {
                "Assign": {
                    "verdict": "{% $states.result.Payload %}",
                    "expiresAt": now(decision_seconds),
                },
                "Next": "Judge",
            },
        ),
        "Judge": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $verdict.status = 'passed' %}", "Next": "ClearPassed"},
                {"Condition": "{% $verdict.opening != null %}", "Next": "TellFlood"},
                {"Condition": "{% $verdict.thread != $scan.scan %}", "Next": "LetFloodBegin"},
            ],
            "Default": "Blocked",
        },
        # Too many cards at once: this one has the thread of them all, which begins with a digest.
        **whatever_happens(
            {"TellFlood": publish(names.topic_arn, "{% $string($verdict.opening) %}", "Blocked")},
            "Blocked",
        ),
        "LetFloodBegin": {"Type": "Wait", "Seconds": FLOOD_BEGINS_SECONDS, "Next": "Blocked"},
        "Blocked": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $verdict.status = 'failed' %}", "Next": "MarkFailed"}],
            "Default": "MarkBroken",
        },
        "ClearPassed": tag("passed", "Passed"),
        "Passed": {"Type": "Succeed"},
        "MarkBroken": tag("error", "TellBroken"),
        "TellBroken": publish(names.topic_arn, "{% $string($verdict.card) %}", "Broken"),
        # It was told; an execution that fails is one that lost its way.
        "Broken": {"Type": "Succeed"},
        "MarkFailed": tag("failed", "TellFailed"),
        "TellFailed": publish(names.topic_arn, "{% $string($verdict.card) %}", "AwaitDecision"),
    }


def _await_decision(names: Names, waits: Waits) -> dict[str, State]:
    decide = {
        "NobodyDecided": write_decision(names, "request-expired", "Nobody decided in time."),
        "ReadDecision": read(names, "decision.json", "decision", {"Next": "Decided"}),
        "Decided": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $decision.decision = 'approved' %}",
                    "Assign": {"stage": "decided", "blind": BLIND_SECONDS},
                    "Next": "ReadWithdrawal",
                },
                {"Condition": "{% $decision.decision = 'rejected' %}", "Next": "MarkRejected"},
                {"Condition": "{% $decision.decision = 'superseded' %}", "Next": "MarkSuperseded"},
            ],
            "Default": "MarkExpired",
        },
    }
    if not waits.escalates:
        return {
            "AwaitDecision": _await(names, 0, late="NobodyDecided"),
            **decide,
        }
    elsewhere: dict[str, State] = {}
    if names.escalation_topic:
        elsewhere["TellEscalatedElsewhere"] = publish(
            names.escalation_topic, "{% $string($told.card) %}", "AwaitLateDecision"
        )
    told = next(iter(elsewhere), "AwaitLateDecision")
    escalate = _announce(names, "Escalated", told, mailed=False, outdated="AwaitLateDecision")
    # Nothing else says that nobody has decided: where the card cannot be had, a plain one calls.
    plain = card(
        "$scan.app & ': still nobody has decided'",
        "'*' & $scan.scan & '* failed its quality gate and waits for Approve or Reject.'",
        "Press Approve or Reject on the card above.",
    )
    escalate["AnnounceEscalated"]["Catch"] = [
        {
            "ErrorEquals": ["States.ALL"],
            "Assign": {"told": {"card": plain}},
            "Next": "TellEscalated",
        }
    ]
    return {
        "AwaitDecision": _await(names, waits.escalate, late="AnnounceEscalated"),
        **whatever_happens(escalate, told),
        **whatever_happens(elsewhere, "AwaitLateDecision"),
        "AwaitLateDecision": _await(names, 0, late="NobodyDecided"),
        **decide,
    }


def _await(names: Names, before: int, late: str) -> State:
    """Wait for a decision until so many seconds ``before`` the moment that the card names."""
    return wait(
        names,
        "decision",
        seconds_until(f"$toMillis($expiresAt) - {before * 1000}"),
        late=late,
        woken="ReadDecision",
    )


def _follow_decision(names: Names, waits: Waits) -> dict[str, State]:
    return {
        **_clear_approved(names, waits),
        **_hold_who(names, waits),
        **whatever_happens(_announce_approved(names), "HoldException"),
        "MarkRejected": tag("rejected", _heard("Rejected", waits)),
        **_hear_who("Rejected", waits),
        **_announce(names, "Rejected", "Rejected"),
        "Rejected": {"Type": "Succeed"},
        "MarkExpired": tag("request-expired", "AnnounceExpired"),
        **_announce(names, "Expired", "Expired"),
        "Expired": {"Type": "Succeed"},
        "MarkSuperseded": tag("superseded", "AnnounceSuperseded"),
        **_announce(names, "Superseded", "Superseded", mailed=False),
        "Superseded": {"Type": "Succeed"},
    }


def _clear_approved(names: Names, waits: Waits) -> dict[str, State]:
    """Clear what was approved; where S3 does not answer, say so once, and try again.

    It may have taken the tag all the same, so nothing here may end before the exception does.
    """
    cleared = {"Assign": {"stage": "cleared", "blind": BLIND_SECONDS}}
    first = {**tag("approved", _heard("Approved", waits), "TellUncleared"), **cleared}
    first["Catch"][-1]["Assign"]["stage"] = "uncleared"
    untold = card(
        "$scan.app & ': approved, but not cleared yet'",
        "'*' & $scan.scan & '* was approved, but its tag scan-status could not be set. "
        "It is tried again, at first each minute:\\n\\n' & $trouble",
        "Wait for the card that says approved. If none comes, look at what AWS answers above.",
    )
    return {
        "ClearApproved": first,
        **whatever_happens(
            {"TellUncleared": publish(names.topic_arn, untold, "HoldUnsure")}, "HoldUnsure"
        ),
        "ClearAgain": {**tag("approved", _heard("Approved", waits), "HoldUnsure"), **cleared},
    }


def _hold_exception(names: Names, waits: Waits) -> dict[str, State]:
    """An exception ends by itself or is withdrawn; until it is marked so, nothing may stop it.

    Each way into ``HoldException`` comes from a look at the withdrawal or goes on to one: a wait
    begins with it.
    """
    end = "$toMillis($decision.expiresAt)"
    remind = f"{end} - {waits.remind * 1000}"
    return {
        "HoldException": {
            "Type": "Choice",
            "Choices": [
                {"Condition": f"{{% {end} <= $millis() %}}", "Next": "MarkEnded"},
                {"Condition": "{% $stage = 'decided' %}", "Next": "ClearApproved"},
                {"Condition": "{% $stage = 'uncleared' %}", "Next": "ClearAgain"},
                {"Condition": "{% $stage = 'cleared' %}", "Next": "AnnounceApproved"},
                {
                    "Condition": f"{{% {waits.remind} > 0 and {remind} > $millis() %}}",
                    "Next": "HoldToReminder",
                },
            ],
            "Default": "HoldToEnd",
        },
        "HoldToReminder": _hold(names, remind, late="AnnounceEnding"),
        **whatever_happens(
            _announce(names, "Ending", "HoldToEnd", outdated="HoldToEnd"), "HoldToEnd"
        ),
        "HoldToEnd": _hold(names, end, late="ReadWithdrawal"),
        "ReadWithdrawal": read(
            names,
            "withdrawal.json",
            "withdrawal",
            {"Next": "MarkWithdrawn"},
            otherwise="HoldException",
            trouble="HoldUnsure",
        ),
        # Whether it was withdrawn cannot be read, or no token be left; it still ends.
        "HoldUnsure": {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% {end} <= $millis() %}}", "Next": "MarkEnded"}],
            "Default": "HoldBlind",
        },
        "HoldBlind": {
            "Type": "Wait",
            "Seconds": seconds_until(f"$min([$millis() + 1000 * $blind, {end}])"),
            "Assign": {"blind": f"{{% $min([{MOST_BLIND_SECONDS}, 2 * $blind]) %}}"},
            "Next": "ReadWithdrawal",
        },
        # Until these are done a version stays deployable that must not be: hours of patience.
        "MarkEnded": {**tag("approval-expired", "AnnounceEnded"), "Retry": [RETRY_FOR_DAYS]},
        **_announce(names, "Ended", "Ended"),
        "Ended": {"Type": "Succeed"},
        "MarkWithdrawn": {
            **tag("withdrawn", _heard("Withdrawn", waits)),
            "Retry": [RETRY_FOR_DAYS],
        },
        **_hear_who("Withdrawn", waits),
        **_announce(names, "Withdrawn", "Withdrawn"),
        "Withdrawn": {"Type": "Succeed"},
    }


def _hold_who(names: Names, waits: Waits) -> dict[str, State]:
    """Wait for who approved, as long as it is not withdrawn."""
    if not waits.who:
        return {}
    end = f"$min([$toMillis($decision.expiresAt), $millis() + {waits.who * 1000}])"
    return {_heard("Approved", waits): _hold(names, end, late="AnnounceApproved")}


def _announce_approved(names: Names) -> dict[str, State]:
    states = _announce(names, "Approved", "HoldException", outdated="HoldException")
    announce = states["AnnounceApproved"]
    for step in [announce, *announce["Catch"]]:
        step["Assign"]["stage"] = "announced"
    return states


def _heard(event: str, waits: Waits) -> str:
    return f"HearWho{event}" if waits.who else f"Announce{event}"


def _hear_who(event: str, waits: Waits) -> dict[str, State]:
    """The chat service's log says who pressed, some seconds later than the press itself."""
    if not waits.who:
        return {}
    wait = {"Type": "Wait", "Seconds": waits.who, "Next": f"Announce{event}"}
    return {_heard(event, waits): wait}


def _trouble(names: Names) -> dict[str, State]:
    link = f"https://{names.region}.console.aws.amazon.com/states/home?region={names.region}#/v2/executions/details/"
    return {
        "TellTrouble": {
            **publish(
                names.topic_arn,
                card(
                    "'The pipeline could not go on with ' & $scan.app",
                    "'*' & $scan.scan & '* keeps the clearance that it has: look at its tag "
                    "scan-status. If that says approved, it does not end by itself any more: "
                    "delete that version where it may not be deployed.\\n\\n' & $trouble"
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


def _announce(
    names: Names, event: str, after: str, *, mailed: bool = True, outdated: str = ""
) -> dict[str, State]:
    """Have ``event`` put into words, and mailed where it is, then publish its card.

    Where mail is refused, publish that instead. Go to ``outdated`` where the event is not true any
    more, which some cannot be.
    """
    announce, tell, unsent = f"Announce{event}", f"Tell{event}", f"TellUnsent{event}"
    refused = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"trouble": "{% " + CAUSE + " %}"},
        "Next": unsent,
    }
    states = {
        announce: task(
            "lambda:invoke",
            {
                "FunctionName": names.announce,
                "Payload": {
                    "scan": "{% $scan.scan %}",
                    "event": EVENTS.get(event, event.lower()),
                    "expiresAt": "{% $expiresAt %}",
                },
            },
            {
                "Assign": {"told": "{% $states.result.Payload %}"},
                "Next": f"Still{event}" if outdated else tell,
            },
            before_trouble=[refused] if mailed else [],
        ),
        tell: publish(names.topic_arn, "{% $string($told.card) %}", after),
    }
    if outdated:
        states[f"Still{event}"] = {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $told.card = null %}", "Next": outdated}],
            "Default": tell,
        }
    if mailed:
        states[unsent] = publish(
            names.topic_arn,
            card(
                f"$scan.app & ': {event.lower()}, but the email could not be sent'",
                f"'The developers do not know yet that *' & $scan.scan & '* was {event.lower()}:"
                "\\n\\n' & $trouble",
                "Tell the developers. Check that the sender is verified in SES, and, while in its "
                "sandbox, each recipient.",
            ),
            after,
        )
    return states


def _hold(names: Names, end: str, late: str) -> State:
    """Wait until ``end``, a JSONata expression of milliseconds, or until it is withdrawn."""
    state = wait(
        names,
        "exception",
        seconds_until(end),
        late=late,
        woken="ReadWithdrawal",
        trouble="HoldUnsure",
        retry=RETRY_FOR_SECONDS,
    )
    for ended in (state, state["Catch"][0]):
        ended["Assign"] = {"blind": BLIND_SECONDS}
    return state
