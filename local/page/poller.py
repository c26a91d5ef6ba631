"""Collects the page's data through the AWS APIs, and notifies listeners of changes."""

import contextlib
import email
import email.policy
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local import mrkdwn
from local.account import LocalAccount
from local.card import Card
from local.channel import Dropped, member_id
from local.chat_service_validation import Refused
from local.page import approval, coverage, graph_layout
from local.page.timeline import Timeline, read
from local.state_descriptions import describe

# Three, so that two can approve an upload of the third.
PEOPLE = ("Ada", "Grace", "Lin")
MEMBERS = {member_id(person): person for person in PEOPLE}
TICK, SPENT = 0.2, 0.4  # seconds: the pause between polls, and the limit of one poll
MOVING, RESTING = 0.3, 4.0  # seconds between reads of a running execution, and of a waiting one
LOG_LINES = 400
TEXT = 200_000  # characters of one document of evidence that the page shows

Listener = Callable[[str, dict[str, Any]], None]


@dataclass
class _Execution:
    arn: str
    status: str = ""
    scan: str = ""
    due: float = 0.0  # on the monotonic clock


class Poller:
    """Follows the uploads, the channel and the mails of an account until ``stop``.

    ``uploads`` (by scan), ``entries`` (of the channel) and ``mails`` are JSON data, oldest first;
    the id of an entry or a mail is its index. Listeners are called for each change.
    """

    def __init__(self, cloud: LocalAccount) -> None:
        self.cloud = cloud
        self.uploads: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.mails: list[dict[str, Any]] = []
        # Details and evidence of the uploads of earlier runs, by scan.
        self.saved: dict[str, dict[str, Any]] = {}
        self.lock = threading.RLock()
        self._cards: dict[int, Card] = {}
        self._cards_read = self._sent = 0
        self._executions: dict[str, _Execution] = {}
        self._listeners: set[Listener] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        machine = cloud.client("stepfunctions").describe_state_machine(
            stateMachineArn=cloud.outputs["stateMachine"]
        )
        self._definition = json.loads(machine["definition"])

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling."""
        self._stopped.set()
        self._thread.join()

    @contextlib.contextmanager
    def listen(self, listener: Listener) -> Iterator[None]:
        """Call ``listener(kind, data)`` for each new or changed "upload", "entry" and "mail"."""
        with self.lock:
            self._listeners.add(listener)
        try:
            yield
        finally:
            with self.lock:
                self._listeners.discard(listener)

    def put(self, key: str, body: bytes, user: str = PEOPLE[0]) -> str:
        """Upload a zip as ``user``; return its version id."""
        return self.cloud.upload(key, body, address(user)).rpartition("/")[2]

    def click(self, entry: int, button: int, answers: Mapping[str, str], user: str) -> None:
        """Click a button of a card, and add the click and its response to the entries.

        Raises:
            LookupError: there is no such card or button, or it is of an earlier run.
        """
        card = self._cards[entry]
        clicked = card.buttons[button]
        given = {name: answers.get(name, "") for name in clicked.asks}
        click_entry = {"button": clicked.label, "answers": given}
        click_entry |= {"thread": card.thread, "scan": card.scan}
        self._run(clicked.filled(given), user, click_entry)

    def command(self, command: str, user: str) -> None:
        """Run a command that a user typed, and add it and its response to the entries."""
        self._run(command, user, {"button": "", "answers": {}, "thread": "", "scan": ""})

    def details(self, scan: str) -> dict[str, Any]:
        """The details of one upload: graph, steps, log tail, coverage, approval, names of evidence.

        Raises:
            KeyError: there is no such upload.
        """
        if scan in self.saved:
            return self.saved[scan]["details"]
        timeline = self._timeline(self.uploads[scan]["execution"])
        evidence = self.cloud.written(scan)
        report = self._parsed(scan, "report.json") if "report.json" in evidence else None
        return {
            "steps": [step.summary() for step in timeline.steps],
            "graph": graph_layout.draw(self._definition, {step.name for step in timeline.steps}),
            "log": self._log(timeline),
            "coverage": coverage.summary(report, scan),
            "approval": approval.facts(evidence, lambda name: self._parsed(scan, name)),
            "evidence": evidence,
        }

    def evidence(self, scan: str, name: str) -> str:
        """One document of evidence as text, cut after ``TEXT`` characters.

        Raises:
            KeyError: there is no such upload or evidence.
        """
        if scan in self.saved:
            return self.saved[scan]["evidence"][name]
        text = self._body(self.uploads[scan]["scan"], name).decode(errors="replace")
        if name.endswith(".json"):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        return text if len(text) <= TEXT else f"{text[:TEXT]}\n… cut here: {len(text):,} characters"

    def _parsed(self, scan: str, name: str) -> Any:
        return json.loads(self._body(scan, name))

    def _body(self, scan: str, name: str) -> bytes:
        s3 = self.cloud.client("s3")
        bucket = self.cloud.outputs["artifactsBucket"]
        try:
            return s3.get_object(Bucket=bucket, Key=f"scans/{scan}/{name}")["Body"].read()
        except s3.exceptions.NoSuchKey as absent:
            raise KeyError(name) from absent

    def _follow(self) -> None:
        while not self._stopped.wait(TICK):
            try:
                self._read_channel()
                self._read_mails()
                self._look()
            except Exception:
                logging.getLogger(__name__).exception("The account was not read; trying again")

    def _look(self) -> None:
        """Read the executions that are due, earliest first, until ``SPENT`` seconds have passed."""
        began = time.monotonic()
        pages = self.cloud.client("stepfunctions").get_paginator("list_executions")
        for page in pages.paginate(stateMachineArn=self.cloud.outputs["stateMachine"]):
            for listed in page["executions"]:
                arn = listed["executionArn"]
                execution = self._executions.setdefault(arn, _Execution(arn))
                if execution.status != listed["status"]:
                    execution.status, execution.due = listed["status"], 0.0
        due = [execution for execution in self._executions.values() if execution.due <= began]
        for execution in sorted(due, key=lambda item: item.due):
            self._see(execution)
            if time.monotonic() - began > SPENT:
                return

    def _see(self, execution: _Execution) -> None:
        timeline = self._timeline(execution.arn)
        ended = execution.status != "RUNNING"
        resting = bool(timeline.steps) and (
            timeline.waits or self._definition["States"][timeline.steps[-1].name]["Type"] == "Wait"
        )
        pause = math.inf if ended else RESTING if resting else MOVING
        execution.due = time.monotonic() + pause
        if timeline.opened is None:  # not opened yet, or a duplicate event
            return
        execution.scan = timeline.opened["scan"]
        last = timeline.steps[-1]
        seen = {
            **timeline.opened,
            "status": execution.status,
            "state": last.name,
            "says": describe(last.name),
            "resting": resting,
            "waits": timeline.waits,
            "clearance": self._clearance(timeline.opened),
            "began": timeline.steps[0].entered,
            "entered": last.entered,
        }
        before = self.uploads.get(execution.scan)
        if seen == before:
            return
        with self.lock:
            self.uploads[execution.scan] = seen
            self._notify("upload", seen)
        if before is None or seen["clearance"] != before["clearance"]:
            # All scans of a version share its tag.
            for other in self._executions.values():
                summary = self.uploads.get(other.scan, seen)
                if other is not execution and summary["versionId"] == seen["versionId"]:
                    other.due = 0.0

    def _timeline(self, execution: str) -> Timeline:
        pages = self.cloud.client("stepfunctions").get_paginator("get_execution_history")
        events = pages.paginate(executionArn=execution).build_full_result()["events"]
        return read(events)

    def _log(self, timeline: Timeline) -> list[str]:
        if not timeline.build:
            return []
        group, stream = timeline.build
        logs = self.cloud.client("logs")
        try:
            events = logs.get_log_events(
                logGroupName=group, logStreamName=stream, limit=LOG_LINES, startFromHead=False
            )["events"]
        except logs.exceptions.ResourceNotFoundException:  # the build has not logged yet
            return []
        return [event["message"] for event in events]

    def _clearance(self, opened: Mapping[str, Any]) -> str:
        tags = self.cloud.client("s3").get_object_tagging(
            Bucket=opened["bucket"], Key=opened["key"], VersionId=opened["versionId"]
        )["TagSet"]
        return next((tag["Value"] for tag in tags if tag["Key"] == "scan-status"), "")

    def _read_channel(self) -> None:
        channel = self.cloud.channel
        new = [*channel.cards, *channel.dropped]
        if len(new) == self._cards_read:
            return
        new.sort(key=lambda item: item.received)
        for card in new[self._cards_read :]:
            if isinstance(card, Dropped):
                summary = {"kind": "dropped", "why": card.why, "text": card.text[:2000]}
                summary |= {"thread": "", "scan": ""}
                self._add(summary, card.received)
            else:
                self._add(_shown(card), card.received, card)
                self._refresh(card.scan)
        self._cards_read = len(new)

    def _read_mails(self) -> None:
        sent = self.cloud.emails()
        for raw_email in sent[self._sent :]:
            message = email.message_from_string(raw_email.raw_data, policy=email.policy.default)
            parts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
            texts = {kind: part.get_content() if part else "" for kind, part in parts.items()}
            scan = next(
                (s for s, u in self.uploads.items() if u["versionId"] in texts["plain"]), ""
            )
            with self.lock:
                mail = {
                    "id": len(self.mails),
                    "at": time.time(),
                    "scan": scan,
                    **{name: str(message[name]) for name in ("From", "To", "Subject")},
                    **texts,
                }
                self.mails.append(mail)
                self._notify("mail", headline(mail))
        self._sent = len(sent)

    def _run(self, command: str, user: str, command_entry: dict[str, Any]) -> None:
        entry = self._add(
            {"kind": "click", "user": user, "command": command, **command_entry, "answer": None},
            time.time(),
        )
        began = time.monotonic()
        try:
            answer, refused = self.cloud.channel.run(command, user), False
        except Refused as refusal:
            answer, refused = str(refusal), True
        except Exception as error:  # the service's response if a function cannot be called
            answer, refused = f"I could not run the command: {error}", True
        text = answer if isinstance(answer, str) else json.dumps(answer)
        elapsed = time.monotonic() - began
        with self.lock:
            entry |= {"answer": text, "refused": refused, "seconds": round(elapsed, 2)}
            self._notify("entry", entry)
        self._refresh(entry["scan"])

    def _add(self, entry: dict[str, Any], at: float, card: Card | None = None) -> dict[str, Any]:
        with self.lock:
            added = {"id": len(self.entries), "at": at, **entry}
            self.entries.append(added)
            if card:
                self._cards[added["id"]] = card
            self._notify("entry", added)
        return added

    def _refresh(self, scan: str) -> None:
        for execution in self._executions.values():
            if scan and execution.scan == scan:
                execution.due = 0.0

    def _notify(self, kind: str, data: dict[str, Any]) -> None:
        for listener in self._listeners:
            listener(kind, data)


def address(person: str) -> str:
    """The name of a person's session when uploading, as single sign-on gives it."""
    return f"{person.lower()}@example.com"


def headline(mail: Mapping[str, Any]) -> dict[str, Any]:
    """A mail without its body, as the inbox lists it."""
    return {key: value for key, value in mail.items() if key not in ("plain", "html")}


def _shown(card: Card) -> dict[str, Any]:
    return {
        "kind": "alarm" if card.alarm else "card",
        "thread": card.thread,
        "scan": card.scan,
        "title": mrkdwn.spans(card.title, MEMBERS),
        "body": mrkdwn.parse(card.description, MEMBERS),
        "nextSteps": [mrkdwn.spans(step, MEMBERS) for step in card.next_steps],
        "keywords": [mrkdwn.unescaped(keyword) for keyword in card.keywords],
        "buttons": [
            {
                "label": button.label,
                "command": button.command,
                "asks": button.asks,
                "bound": dict(button.bound),
            }
            for button in card.buttons
        ],
    }
