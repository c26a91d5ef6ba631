"""The lifecycles of an upload, each with the actions of the people involved."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.account import ACCOUNT, REGION, LocalAccount
from local.card import Button
from tests.faults.calls import Call, title
from tests.faults.injection import Layer
from tests.support.account import QUICK_FAILING as FAILING
from tests.support.account import QUICK_PASSING as PASSING
from tests.support.account import QUICK_SCAN

# The real scan, with a tool that reports what the upload says; one app's scanner crashes.
BUILDSPEC = json.dumps(
    {
        "version": 0.2,
        "phases": {
            "build": {
                "commands": [
                    'case "$APP" in scan_error-*) echo "no scanner here"; exit 3;; esac',
                    QUICK_SCAN,
                ]
            }
        },
    }
)
SETTINGS = {
    "scanners": '["sonarqube"]',  # so that CodeBuild fetches the token
    "sonarHostUrl": "https://sonarqube.example.com",
    "sonarToken": "squ_0",
    "decisionWindow": "20m",
    "escalateBefore": "10m",
    "remindBefore": "12s",
    "exceptionPeriod": "32s",
    "digestAfter": "0",  # each upload is a case of its own
}
# decisionWindow in milliseconds, as in the state machine, and its value for the app ``nobody``.
WINDOW, SOON = 20 * 60 * 1000, 8 * 1000
STUCK_SECONDS = 240
LATE_SECONDS = 5  # while a card is being delivered
CLICKS = 10  # takes longer than a fault that lasts a while
CARDLESS_SECONDS = 20  # then the actor stops waiting for a card
PATIENT = 50  # attempts at what is retried for hours or days
# The beginnings of answers after which nobody clicks again.
DONE = (
    "Approved", "Rejected", "Withdrawn", "Recorded", "Already", "Too late", "Scanning",
    "It is scanned again",
)  # fmt: skip


class Stuck(Exception):
    """The upload has not ended and waits for nobody; the message says where it stopped."""


@dataclass
class Actor:
    """The people who upload ``app`` and click in the channel; ``answers`` are the responses."""

    cloud: LocalAccount
    layer: Layer
    app: str
    scans: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    withdrew: bool = False

    @property
    def key(self) -> str:
        return f"{self.app}/app.zip"

    def upload(self, body: bytes) -> None:
        self.scans.append(self.cloud.upload(self.key, body))

    def decide(self, label: str, days: str = "") -> bool:
        """Click the button once a decision is awaited; return whether that worked."""
        self._wait(self._waits)
        return self.click(label, days)

    def click(self, label: str, days: str = "") -> bool:
        """Click the button once it is shown, again after an error; return whether that worked."""
        button = self._wait(lambda: self._button(label))
        return bool(button) and self._insist(button.filled({"Reason": "known", "Days": days}))

    def withdraw(self) -> None:
        """Withdraw the approval by a command, before there is a card with the button."""
        self.withdrew = self._answer_to(self._withdrawal())

    def withdrawn(self) -> None:
        """Withdraw unless already done: by the button, or by a command if there is none."""
        since = time.monotonic()
        result = self._wait(
            lambda: (
                self.withdrew
                or self._button("Withdraw")
                or time.monotonic() - since > CARDLESS_SECONDS
            )
        )
        if isinstance(result, Button):
            self._insist(result.filled({"Reason": "known"}))
        elif result and not self.withdrew:
            self._insist(self._withdrawal())

    def before(self, what: str, act: Callable[[], None]) -> None:
        """Run ``act`` just before the state machine makes the call."""
        self.layer.before(self.app, Call("state machine", what), act)

    def overtake(self) -> None:
        """Upload a newer version, and wait until its execution has looked for older requests."""
        self.upload(PASSING)
        scanned = Call("state machine", "StartBuild")
        deadline = time.monotonic() + STUCK_SECONDS
        while self.layer.seen[self.app][scanned] < 2 and time.monotonic() < deadline:
            time.sleep(0.1)

    def overtaken(self) -> None:
        """Wait until the newer version is uploaded."""
        self._wait(lambda: len(self.scans) > 1)

    def reminded(self) -> None:
        """Wait until the reminder is in the channel, or cannot come any more."""
        self._wait(lambda: self.cards()["approval expires"])

    def _insist(self, command: str) -> bool:
        for _ in range(CLICKS):
            if self._answer_to(command):
                return True
            time.sleep(1)
        return False

    def _withdrawal(self) -> str:
        payload = json.dumps({"scan": self.scans[0], "withdraw": "known"})
        function = self.cloud.outputs["approvalFunction"]
        return f"lambda invoke --function-name {function} --payload {payload} --region {REGION}"

    def _answer_to(self, command: str) -> bool:
        """Run a button's command; return whether nobody clicks again after its answer."""
        try:
            answer = str(self.cloud.channel.run(command))
        except Exception as error:  # the chat service shows the error
            answer = f"{type(error).__name__}: {error}"
        self.answers.append(answer)
        return answer.startswith(DONE) and "click again" not in answer

    def is_asked(self) -> None:
        """Wait until the state machine waits for a decision."""
        self._wait(lambda: self._button("Approve") and self._waits())

    def closed(self) -> bool:
        """Whether all executions have ended once the newest upload's has."""
        newest = self.scans[-1].split("/")[1]

        def through() -> bool:
            states = [e.exec_status for e in self.executions() if newest in e.execution_input]
            return bool(states) and "RUNNING" not in states

        self._wait(through)
        # The older execution was resumed just before, and still has to call some functions.
        deadline = time.monotonic() + 3 * LATE_SECONDS
        while self._running() and time.monotonic() < deadline:
            time.sleep(0.2)
        return not self._running()

    def end(self) -> None:
        """Wait until all executions have ended; give up if an answer says that a click failed."""
        self._wait(lambda: self.executions() or self.dead_letters())
        since = time.monotonic()
        while self._running():
            if self.answers and not self.answers[-1].startswith(DONE):
                return
            if time.monotonic() - since > STUCK_SECONDS:
                raise Stuck(f"{self.app}: {self.answers} {self.cards()}")
            time.sleep(0.2)
        time.sleep(0.7)  # the last card may still be delivered

    def executions(self) -> list[Any]:
        """The executions for its events, from moto."""
        machines = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        return [
            execution
            for machine in machines
            for execution in list(machine.executions)
            if self.app in execution.execution_input
        ]

    def cards(self) -> Counter[str]:
        """The cards in its threads, by title."""
        cards = list(self.cloud.channel.cards)
        return Counter(
            title(card.title) for card in cards if card.thread.startswith(f"{self.app}/")
        )

    def dead_letters(self) -> int:
        """How many events in the dead-letter queue are about it."""
        name = self.cloud.outputs["deadLetterQueue"].rpartition("/")[2]
        queue = sqs_backends[ACCOUNT][REGION].queues[name]
        return sum(self.app in message.body for message in list(queue._messages))

    def mails(self) -> Counter[str]:
        """The emails about it, by subject without times."""
        subjects = re.findall(
            rf"^Subject: \[{self.app}\] (.*)$",
            "\n".join(email.raw_data for email in self.cloud.emails()),
            re.M,
        )
        return Counter(re.sub(r" (until|on) .*?:", ":", subject.strip()) for subject in subjects)

    def _running(self) -> list[Any]:
        return [execution for execution in self.executions() if execution.exec_status == "RUNNING"]

    def _waits(self) -> bool:
        listing = self.cloud.client("s3").list_objects_v2(
            Bucket=self.cloud.outputs["stateBucket"], Prefix=f"waiting/{self.app}/"
        )
        return listing["KeyCount"] > 0

    def _button(self, label: str) -> Button | None:
        for card in list(self.cloud.channel.cards):
            if card.thread.startswith(f"{self.app}/"):
                for button in card.buttons:
                    if button.label == label:
                        return button
        return None

    def _wait(self, result: Callable[[], Any]) -> Any:
        """Return the first result, None if all executions ended before."""
        since = over = time.monotonic()
        while not (what := result()):
            if self.dead_letters():
                return None
            if not self.executions() or self._running():
                over = time.monotonic()
            elif time.monotonic() - over > LATE_SECONDS:
                return None
            if time.monotonic() - since > STUCK_SECONDS:
                raise Stuck(f"{self.app}: {self.answers} {self.cards()}")
            time.sleep(0.2)
        return what


def passed(actor: Actor) -> None:
    actor.upload(PASSING)
    actor.end()


def rejected(actor: Actor) -> None:
    actor.upload(FAILING)
    actor.decide("Reject")
    actor.end()


def approved(actor: Actor) -> None:
    actor.upload(FAILING)
    actor.decide("Approve")
    actor.end()


def withdrawn(actor: Actor) -> None:
    actor.upload(FAILING)
    if actor.decide("Approve", days="2m"):
        actor.withdrawn()
    actor.end()


def withdrawn_at_once(actor: Actor) -> None:
    """Approved, and withdrawn before that is tagged."""
    actor.before("Invoke callback look", actor.withdraw)
    actor.upload(FAILING)
    if actor.decide("Approve", days="2m"):
        actor.withdrawn()
    actor.end()


def recalled(actor: Actor) -> None:
    """Approved, and withdrawn before the wait for a withdrawal begins."""
    actor.before("Invoke notify approved", actor.withdraw)
    actor.upload(FAILING)
    if actor.decide("Approve", days="2m"):
        actor.withdrawn()
    actor.end()


def late(actor: Actor) -> None:
    """Approved, and withdrawn after the reminder."""
    actor.upload(FAILING)
    # Longer than others, so that the reminder comes even if the account is slow.
    if actor.decide("Approve", days="1m"):
        actor.reminded()
        actor.withdrawn()
    actor.end()


def nobody(actor: Actor) -> None:
    actor.upload(FAILING)
    actor.end()


def superseded(actor: Actor) -> None:
    actor.upload(FAILING)
    actor.is_asked()
    actor.upload(PASSING)
    _close(actor)


def overtaken(actor: Actor) -> None:
    """Replaced by a newer version after the gate was evaluated, and before the wait begins."""
    actor.before("Publish “quality gate failed”", actor.overtake)
    actor.upload(FAILING)
    actor.overtaken()
    _close(actor)


def scan_error(actor: Actor) -> None:
    actor.upload(PASSING)
    actor.click("Scan again")
    actor.end()


def _close(actor: Actor) -> None:
    if not actor.closed():
        # The older request stays open until a click reports the newer version.
        actor.click("Approve")
    actor.end()


LIFECYCLES: dict[str, Callable[[Actor], None]] = {
    item.__name__: item
    for item in (
        passed, rejected, approved, withdrawn, nobody, superseded, scan_error,
        withdrawn_at_once, recalled, late, overtaken,
    )
}  # fmt: skip


# Their people are reminded, unless a call fails or the account is slow.
WITH_REMINDER = {"approved", "late"}


def shorten_timeouts(name: str, state: dict[str, Any]) -> None:
    """Retry after seconds instead of minutes, and wait no longer either."""
    for retry in state.get("Retry", []):
        if tries := retry.get("MaxAttempts"):
            retry.pop("JitterStrategy", None)
            patient = tries >= PATIENT
            retry |= {"IntervalSeconds": 1, "MaxAttempts": 15 if patient else 2, "BackoffRate": 1.0}
            retry.pop("MaxDelaySeconds", None)
    shorten_waits(name, state)


def shorten_waits(name: str, state: dict[str, Any]) -> None:
    """Wait for seconds only, and shorten the window of the app ``nobody``."""
    if state["Type"] == "Wait" and "Seconds" in state:
        state["Seconds"] = 2
    if name == "CheckBuildStatus":
        usual = state["Assign"]["expiresAt"]
        soon = usual.replace(str(WINDOW), str(SOON))
        usual, soon = (item.removeprefix("{%").removesuffix("%}") for item in (usual, soon))
        state["Assign"]["expiresAt"] = f"{{% $contains($scan.app, 'nobody') ? {soon} : {usual} %}}"
