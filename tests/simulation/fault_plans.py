"""Random faults and outages for scenarios."""

from collections.abc import Sequence
from random import Random
from typing import Any

# The callers that may meet a fault, and the number of calls that each usually makes at most.
CALLERS = {
    "state machine": 30, "approval": 12, "notify": 14, "check-build-status": 16, "callback": 8,
    "open-scan": 8, "rescan": 6, "scan": 4, "EventBridge": 2, "Slack channel": 3,
    "approver-audit": 4,
}  # fmt: skip
# The calls whose order matters most.
CALLS = (
    ("approval", "PutObject decision.json"), ("approval", "PutObject withdrawal.json"),
    ("approval", "SendTaskSuccess"), ("approval", "ListObjectVersions"),
    ("open-scan", "PutObject decision.json"), ("open-scan", "SendTaskSuccess"),
    ("callback", "PutObject"), ("callback", "GetObject"), ("callback", "SendTaskSuccess"),
    ("notify", "SendEmail"), ("notify", "GetObject"),
    ("check-build-status", "GetObject report.json"), ("check-build-status", "PutObject"),
    ("state machine", "PutObject waiting"), ("state machine", "PutObjectTagging"),
    ("state machine", "PutObject decision.json"), ("state machine", "GetObject decision.json"),
    ("state machine", "GetObject withdrawal.json"),
    ("state machine", "Invoke"), ("state machine", "Publish"), ("state machine", "StartBuild"),
    ("rescan", "StartExecution"), ("scan", "PutObject report.json"),
)  # fmt: skip
# The same for exceptions that cover other versions, are extended, or need two people.
OF_EXCEPTIONS = (
    *CALLS, ("check-build-status", "GetObject withdrawal.json"),
    ("check-build-status", "PutObject decision.json"), ("check-build-status", "PutObject resting"),
    ("check-build-status", "PutObject gate-result.json"), ("check-build-status", "GetObject apps"),
    ("check-build-status", "ListObjectsV2"), ("check-build-status", "PutObject apps"),
    ("callback", "PutObject decision.json"), ("callback", "PutObject withdrawal.json"),
    ("callback", "ListObjectsV2"), ("callback", "SendTaskSuccess"), ("callback", "PutObject apps"),
    ("approval", "PutObject extensions"), ("approval", "PutObject approvals"),
    ("approval", "ListObjectsV2"), ("approval", "SendTaskSuccess"), ("approver-audit", "PutObject"),
    ("EventBridge", "Invoke"),
)  # fmt: skip
FAULTS = (
    "before", "after", "error after", "throttled", "slow", "slow", "killed before", "killed after",
)  # fmt: skip
OUTAGES = (
    ("s3", "", ""), ("s3", "artifacts", "GetObject"), ("s3", "artifacts", "GetObject"),
    ("s3", "artifacts", "GetObject"), ("s3", "work", ""), ("stepfunctions", "", ""),
    ("lambda", "", ""), ("sns", "", ""), ("sesv2", "", ""), ("codebuild", "", ""),
)  # fmt: skip


def faults(
    draw: Random, uploads: Sequence[dict[str, Any]], calls: Sequence[tuple[str, str]] = CALLS
) -> list[dict[str, Any]]:
    """Return plans of faults (faults.Plan) as plain data."""
    plans = []
    for _ in range(draw.choices((0, 1, 2, 3), (15, 50, 25, 10))[0]):
        if draw.random() < 0.5:
            caller, call = draw.choice(calls)
            n = draw.choice((1, 1, 2, 3))
        else:
            caller, call = draw.choice(list(CALLERS)), ""
            n = 1 + int(CALLERS[caller] * draw.random() ** 1.5)
        fault = draw.choice(FAULTS)
        plan = {"caller": caller, "call": call, "n": n, "fault": fault}
        # More often than most callers retry.
        if not fault.startswith("killed") and draw.random() < 0.3:
            plan["times"] = draw.choice((2, 4, 8))
        plans.append(plan)
    if draw.random() < 0.15:
        # Calls of the state machine, more often than it retries.
        n, fault = draw.randint(4, 45), draw.choice(("before", "throttled", "after", "error after"))
        plans.append({"caller": "state machine", "call": "", "n": n, "fault": fault, "times": 8})
    if draw.random() < 0.05:
        caller = draw.choice(("notify", "callback", "check-build-status", "open-scan"))
        n = 1 + int(3 * CALLERS[caller] * draw.random())
        plans.append({"caller": caller, "call": "", "n": n, "fault": "before", "times": 40})
    if draw.random() < 0.08:
        # A token whose write takes effect, or is retried, after the next wait has stored its own.
        plans.append({"caller": "callback", "call": "PutObject", "n": 1, "fault": "slow"})
    if any("late" in scan for upload in uploads for scan in upload["scans"][:1]):
        # check-build-status reads the report twice, and the report arrives in between.
        call = draw.choice(("GetObject report.json", "PutObject", "PutObject gate-result.json"))
        fault = draw.choice(FAULTS)
        plans.append({"caller": "check-build-status", "call": call, "n": 1, "fault": fault})
    return plans


def outages(draw: Random, uploads: int) -> list[dict[str, Any]]:
    """Return at most one outage as plain data, around an event of one of the ``uploads``."""
    if draw.random() > 0.25:
        return []
    service, bucket, what = draw.choice(OUTAGES)
    number = draw.randrange(uploads)
    timestamp, before = draw.choice(
        (
            (f"stored {number} decision.json", 0), (f"stored {number} withdrawal.json", 0),
            (f"stored {number} withdrawal.json", 0), (f"approval end {number}", 30),
            (f"reminder {number}", 30),
            (f"request end {number}", 30), (f"escalation {number}", 30),
            (f"waiting {number} 1", 0), (f"stored {number} report.json", 0),
            (f"upload {number}", 0), (f"card {number} 1", 0), (f"tag {number} approved", 0),
        )
    )  # fmt: skip
    plus = draw.choice((0.0, 2.0)) * draw.random() - before * draw.random()
    when = {"after": timestamp, "plus": round(plus, 3)}
    seconds = round(10 + 110 * draw.random(), 1)
    return [{"service": service, "bucket": bucket, "what": what, "seconds": seconds, "when": when}]
