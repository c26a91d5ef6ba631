"""Hand-made traces for the tests of the model, event by event."""

import hashlib
import json
from typing import Any

from tests.simulation.aws.findings import document, gate
from tests.simulation.model.wording import day, minute
from tests.simulation.people import PEOPLE
from tests.simulation.trace import (
    BuildEnded,
    BuildStarted,
    Clicked,
    Deleted,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Faulted,
    Mailed,
    Published,
    Settings,
    Stored,
    Tagged,
    Trace,
    Uploaded,
    Verified,
    timestamp,
)

HOUR, DAY = 3600.0, 86400.0
KEY = "payments/api.zip"
SETTINGS = Settings(
    decide=24 * 3600, escalate=4 * 3600, exception=30 * 86400, longest=90 * 86400,
    remind=7 * 86400, approver_seconds=0, failure_emails=True,
)  # fmt: skip
BUTTONS = {
    "failed": "Decide",
    "partly-approved": "Decide",
    "escalated": "Decide",
    "approved": "Withdraw",
    "expiring": "Withdraw",
    "extended": "Withdraw",
}
KEYWORDS = {"failed": "quality gate failed", "scan error": "scan failed to run"}
WORDS = {
    "failure": ("", "Quality gate failed"),
    "scan failure": ("", "Scan failed to run"),
    "approved": ("approved until {day}", "Approved until {day}: quality gate exception"),
    "rejected": ("rejected", "Rejected: quality gate failed"),
    "request-expired": (
        "request expired",
        "Request expired: quality gate failed",
    ),
    "approval-expired": ("approval expired on {day}", "Expired on {day}: quality gate exception"),
    "extended": ("extended until {day}", "Extended until {day}: quality gate exception"),
    "expiring": ("approval expires on {day}", "Expires on {day}: quality gate exception"),
    "withdrawn": ("approval withdrawn", "Withdrawn: quality gate exception"),
    "superseded": ("replaced by a newer version", ""),
    "escalated": ("decision still pending", ""),
    "partly-approved": ("one of two has approved", ""),
}


def iso(at: float) -> str:
    """A point in time as documents have it, to the second."""
    return timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ")


class History:
    """Builds a trace; each method adds events ``at`` a point in time.

    Those of one version need not know that an app may pass again: ``is_current`` (trace.Trace).
    """

    def __init__(self, settings: Settings = SETTINGS, *, is_current: bool = False) -> None:
        self.settings, self.is_current = settings, is_current
        self.events: list[Event] = []
        self._digests: dict[str, str] = {}
        self._until: dict[str, float] = {}

    def trace(self, *, without: tuple[type[Event], ...] = ()) -> Trace:
        """The whole trace, in the order of time."""
        events = [event for event in self.events if not isinstance(event, without)]
        events.sort(key=lambda event: event.at)
        return Trace(self.settings, events, events[-1].at + HOUR, is_current=self.is_current)

    def upload(
        self, at: float, version: str, gate: str = "failed", key: str = KEY, by: str = ""
    ) -> str:
        """Upload a version, start its execution and its build; return its scan."""
        self.events.append(Uploaded(at=at, key=key, version=version, gate=gate, by=by))
        scan = self.start(at + 1, version, key=key)
        if by:
            principal = PEOPLE[by].principal
            self.store(at + 2.5, scan, "uploader.json", {"principalId": principal})
        return scan

    def start(self, at: float, version: str, attempt: int = 1, key: str = KEY) -> str:
        """Start an execution, which writes scan.json and starts the build."""
        scan = f"payments/{version}" + (f".{attempt}" if attempt > 1 else "")
        detail: dict[str, Any] = {"detail": {"object": {"key": key, "version-id": version}}}
        if attempt > 1:
            detail["attempt"] = attempt
        self.events += [
            ExecutionStarted(at=at, execution=f"run:{scan}", detail=detail),
            BuildStarted(at=at + 2, scan=scan, build=f"build:{scan}"),
        ]
        self.store(at + 1, scan, "scan.json", {})
        return scan

    def store(self, at: float, scan: str, name: str, document: dict[str, Any]) -> None:
        """Write a document of evidence that names the SHA-256 of those before it."""
        vouched = {
            "report.json": ("findings.json",),
            "gate-result.json": ("scan.json", "report.json"),
            "decision.json": ("gate-result.json",),
            "withdrawal.json": ("decision.json",),
            "extensions": ("decision.json",),
            "approvals": ("gate-result.json",),
        }.get(name.partition("/")[0], ())
        digests = {
            item: self._digests[f"{scan}/{item}"]
            for item in vouched
            if f"{scan}/{item}" in self._digests
        }
        whole = {"scan": scan, **({"evidence": digests} if digests else {}), **document}
        digest = hashlib.sha256(json.dumps(whole).encode()).hexdigest()
        self._digests[f"{scan}/{name}"] = digest
        self.events.append(
            Stored(
                at=at, bucket="artifacts", key=f"scans/{scan}/{name}", document=whole, by="test",
                sha256=digest,
            )
        )  # fmt: skip

    def judge(self, at: float, scan: str, status: str = "failed", retry: bool = True) -> None:
        """Write the gate result, set the tag, publish the card and send the email."""
        if status != "error":
            self.store(at - 5, scan, "report.json", {"gate": {"status": status}})
        self.store(at, scan, "gate-result.json", {"status": status, "retryable": retry})
        self.tag(at + 1, scan, status)
        if status == "passed":
            self.end(at + 2, scan)
        elif status == "error":
            self.card(at + 2, scan, "scan error")
            self.mail(at + 3, scan, "scan failure")
            self.end(at + 3, scan)
        else:
            self.card(at + 2, scan, "failed", until=at + self.settings.decide)
            self.mail(at + 3, scan, "failure")

    def scanned(self, at: float, scan: str, *words: str) -> None:
        """Write what the scan has, in the words of ``aws.findings``."""
        variables = {"SCAN": scan, "APP": "payments"}
        self.events.append(BuildEnded(at=at, scan=scan, status="SUCCEEDED"))
        self.store(at - 6, scan, "findings.json", json.loads(document(variables, words, True)))
        self.store(at - 5, scan, "report.json", {"gate": gate(words, 0, 0, 1)})

    def evaluate(self, at: float, scan: str, *words: str, since: str = "") -> None:
        """Let the gate fail for what the scan has, and ask; compare it ``since`` another scan."""
        self.scanned(at, scan, *words)
        until = at + self.settings.decide
        self.card(at + 2, scan, "failed", until=until)
        compared = {"since": since} if since else {}
        self.store(at, scan, "gate-result.json", {
            "status": "failed", "retryable": True, "card": {"metadata": {"threadId": scan}},
            **compared,
        })  # fmt: skip
        self.tag(at + 1, scan, "failed")
        self.mail(at + 3, scan, "failure")

    def rest(self, at: float, scan: str, root: str, *words: str, since: str = "") -> None:
        """Let the gate fail for what the exception of ``root`` covers, and approve that."""
        self.scanned(at, scan, *words)
        end = self._until[scan] = self._until[root]
        self.store(at, scan, "gate-result.json", {
            "status": "failed", "retryable": True, "card": None, "restsOn": root, "since": since,
        })  # fmt: skip
        self.store(at + 0.5, scan, "decision.json", {
            "decision": "approved", "reason": "known", "decidedAt": iso(at), "expiresAt": iso(end),
            "restsOn": {"scan": root, "decision.json": self._digests[f"{root}/decision.json"]},
        })  # fmt: skip
        self.tag(at + 1, scan, "failed")
        self.tag(at + 2, scan, "approved")
        self.notify(at + 4, scan, "approved", thread=root)

    def extend(self, at: float, scan: str, period: float, *, number: int = 1) -> float:
        """Extend an approval by a click, and notify; return when it expires."""
        end = float(int(at + 1 + period))
        days = f"{period / DAY:.0f}d"
        answer = f"Extended: {scan} may be deployed until {minute(end)}."
        self.click(at, scan, "extend", answer, days=days)
        self.store(at + 1, scan, f"extensions/{number}.json", {
            "reason": "known", "extendedAt": iso(at + 1), "expiresAt": iso(end),
        })  # fmt: skip
        self._until[scan] = max(end, self._until[scan])
        self.notify(at + 5, scan, "extended")
        return end

    def record(self, at: float, scan: str, number: int, verb: str, by: str, clicked: float) -> None:
        """Write who clicked, as the chat service's log says it."""
        self.store(at, scan, f"actions/{number}.json", {
            "user": PEOPLE[by].user, "action": verb, "reason": "known", "clickedAt": iso(clicked),
        })  # fmt: skip

    def tag(self, at: float, scan: str, status: str, key: str = KEY) -> None:
        """Set the tag of the scan's version."""
        version = scan.partition("/")[2].removesuffix(".2")
        self.events.append(Tagged(at=at, key=key, version=version, status=status, began=at - 0.1))

    def card(
        self,
        at: float,
        scan: str,
        name: str,
        *,
        until: float | None = None,
        composed: float | None = None,
        buttons: bool = True,
        thread: str = "",
    ) -> None:
        """Publish a card of this kind."""
        end = self._until.get(scan, 0.0) if until is None else until
        title = WORDS.get(name, (name,))[0].format(day=day(end))
        key = BUTTONS.get(name)
        bound = {key: "approval"} if key and buttons else {}
        content = {
            "title": f"payments: {title}",
            "description": f"On {minute(end)} the request expires" if name == "escalated"
            else f"until {minute(end)}",
            "nextSteps": [f"Open until {minute(end)}."] if name == "failed" else [],
            "keywords": [KEYWORDS.get(name, name)],
        }  # fmt: skip
        metadata = {
            "threadId": thread or scan,
            "additionalContext": {"Scan": scan, "Region": "here", **bound},
        }
        self.events.append(
            Published(
                at=at,
                composed=at - 1 if composed is None else composed,
                card={"content": content, "metadata": metadata},
            )
        )

    def plain(self, at: float, scan: str, title: str) -> None:
        """Publish a card that the state machine writes itself."""
        content = {"title": title, "description": scan, "nextSteps": ["Do something."]}
        metadata = {"threadId": scan, "additionalContext": {"Scan": scan}}
        card = {"content": content, "metadata": metadata}
        self.events.append(Published(at=at, composed=at - 1, card=card))

    def mail(self, at: float, scan: str, name: str, composed: float | None = None) -> None:
        """Send the email about this outcome."""
        end = self._until.get(scan, 0.0)
        subject = WORDS[name][1].format(day=day(end))
        text = f"By U0ADA, U0CYD until\n{minute(end)}\nEvidence: https://aws/?region=x&prefix=scans/{scan}/\n"
        self.events.append(
            Mailed(
                at=at,
                composed=at - 1 if composed is None else composed,
                to=["dev@example.com"],
                subject=f"[payments] {subject}",
                text=text,
            )
        )

    def notify(
        self, at: float, scan: str, name: str, composed: float | None = None, thread: str = ""
    ) -> None:
        """Send the card and, if there is one, the email about an outcome."""
        if WORDS[name][1]:
            self.mail(at, scan, name, composed)
        self.card(at + 0.5, scan, name, composed=composed, thread=thread)

    def click(self, at: float, scan: str, verb: str, answer: str | None, *, days: str = "",
              took: float = 2.0, by: str = "ada") -> None:  # fmt: skip
        """Click a button; the answer follows ``took`` seconds later."""
        expected: Any = ["known", days] if verb in ("approve", "extend") else "known"
        self.events.append(
            Clicked(
                at=at + took,
                began=at,
                function="rescan" if verb == "rescan" else "approval",
                payload={"scan": scan} if verb == "rescan" else {"scan": scan, verb: expected},
                answer=answer,
                by=by,
            )
        )

    def approve(
        self,
        at: float,
        scan: str,
        period: float = 30 * DAY,
        *,
        days: str = "",
        tagged: bool = True,
        answer: str | None = "",
        by: str = "ada",
    ) -> float:
        """Approve by a click, tag and notify; return when the approval expires."""
        end = self._until[scan] = float(int(at + 1 + period))
        if answer == "":
            answer = f"Approved: {scan} may be deployed until {minute(end)}."
        self.click(at, scan, "approve", answer, days=days, by=by)
        self.store(at + 1, scan, "decision.json", {
            "decision": "approved", "reason": "known", "decidedAt": iso(at + 1),
            "expiresAt": iso(end),
        })  # fmt: skip
        if tagged:
            self.tag(at + 3, scan, "approved")
            self.notify(at + 5, scan, "approved")
        return end

    def decide(self, at: float, scan: str, outcome: str, reason: str = "known") -> None:
        """Write a decision that never expires, tag it, notify, then end the execution."""
        if outcome == "rejected":
            self.click(at - 1, scan, "reject", f"Rejected: {scan} stays blocked.")
        self.store(at, scan, "decision.json", {
            "decision": outcome, "reason": reason, "decidedAt": iso(at), "expiresAt": None,
        })  # fmt: skip
        self.tag(at + 2, scan, outcome)
        self.notify(at + 4, scan, outcome)
        self.end(at + 5, scan)

    def withdraw(self, at: float, scan: str, *, followed: bool = True, answer: str = "") -> None:
        """Withdraw by a click, tag and notify, then end the execution."""
        answer = answer or f"Withdrawn: {scan} may not be deployed any more."
        self.click(at, scan, "withdraw", answer)
        self.store(at + 1, scan, "withdrawal.json", {
            "reason": "known", "withdrawnAt": iso(at + 1),
        })  # fmt: skip
        if followed:
            self.tag(at + 3, scan, "withdrawn")
            self.notify(at + 5, scan, "withdrawn")
            self.end(at + 6, scan)

    def over(self, at: float, scan: str, *, reminded: bool = True) -> None:
        """Remind of the approval, then let it expire."""
        if reminded:
            self.notify(at - self.settings.remind + 1, scan, "expiring")
        self.tag(at + 1, scan, "approval-expired")
        self.notify(at + 3, scan, "approval-expired")
        self.end(at + 4, scan)

    def end(self, at: float, scan: str, status: str = "SUCCEEDED") -> None:
        """End the scan's execution."""
        self.events.append(ExecutionEnded(at=at, execution=f"run:{scan}", status=status))

    def delete(self, at: float, version: str, key: str = KEY) -> None:
        """Delete a version permanently."""
        self.events.append(Deleted(at=at, key=key, version=version))

    def fault(self, at: float, until: float, call: str, fault: str, caller: str = "x") -> None:
        """Let calls fail."""
        self.events.append(Faulted(at=at, until=until, caller=caller, call=call, fault=fault))

    def verify(self, at: float, *findings: tuple[str, str, str]) -> None:
        """Add a run of ops verify with these findings."""
        self.events.append(Verified(at=at, began=at - 1, findings=findings))
