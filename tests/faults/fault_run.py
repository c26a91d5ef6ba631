"""Runs the lifecycle of an upload with one fault, and evaluates the outcome."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.account import EVENT_SECONDS, LocalAccount
from ops import verify
from ops.stack import Stack
from tests.faults import lifecycles
from tests.faults.calls import Call
from tests.faults.injection import FAULTS, KILLABLE, NAMING, REFUSALS, Layer, Plan
from tests.faults.lifecycles import LIFECYCLES, Actor, Stuck
from tests.support.account import change_states

AT_ONCE = 10
TRIES = 3
# The outcomes of a case, from best to worst. The last one fails the run.
SAME, TWICE, CARD, ANSWER, ALARM = "as ever", "twice", "card", "answer", "alarm"
UNREPORTED, WRONG = "unreported", "WRONG"
OUTCOMES = (SAME, TWICE, CARD, ANSWER, ALARM, UNREPORTED, WRONG)
RECORDS = Call("uploader", "PutObject uploader.json")
# Neither SNS nor SES deduplicates requests: a sender without a response sends again.
UNANSWERED = {"after", "error after", "killed after"}
# Faults that are tried in each lifecycle that makes a call; the others in the first.
IN_EACH_LIFECYCLE = ("after", "a while")
# An exception may expire before its reminder is due, if the account is slow.
REMINDED = Call("state machine", "Invoke notify expiring")
REMINDER = {"approval expires", "Expires: quality gate exception"}
# Longer than the function that records the uploader is retried (``LocalAccount.notify``).
RECORDED_SECONDS = 8
# The lifecycle continues and its outcome is reported; nothing reports the missing card.
KNOWN = {
    (Call("state machine", f"Publish “{title}”"), fault)
    for title in ("decision still pending", "approval expires")
    for fault in REFUSALS
}


@dataclass(frozen=True)
class FaultCase:
    """``fault`` is one of ``FAULTS``, or empty for none."""

    lifecycle: str
    call: Call | None = None
    fault: str = ""


@dataclass
class Result:
    """``outcome`` is one of ``OUTCOMES``; ``why`` lists what was observed."""

    case: FaultCase
    actor: Actor
    outcome: str = ""
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Clean:
    """The outcome of a lifecycle without a fault."""

    cards: Counter[str]
    mails: Counter[str]
    clearance: list[str | None]
    answers: list[str]
    calls: list[Call]


class FaultRun:
    """One account; ``clean`` has the outcomes of the lifecycles without a fault, run twice."""

    def __init__(
        self, cloud: LocalAccount, layer: Layer, names: Iterable[str], at_once: int
    ) -> None:
        self.cloud, self._layer, self._at_once = cloud, layer, at_once
        self._number = 0
        self._stack = Stack(cloud.outputs, "here", cloud.client)
        self.clean: dict[str, Clean] = {}
        twice = [FaultCase(lifecycle) for lifecycle in names] * 2
        for result in self._run(twice):
            actor = result.actor
            if actor.cards()["Pipeline error for app"]:
                result.why.append("the execution failed")
            if missed := layer.acts.get(actor.app):
                result.why.append(f"nobody acted before {[*missed]}")
            if not self._came(result):
                result.why.append("the approval expired before its reminder was due")
            if result.why:
                raise RuntimeError(f"{actor.app} fails without a fault: {result.why}")
            # A call of one run only is a retry: the account is slow while all of them run.
            before = self.clean.get(result.case.lifecycle)
            self.clean[result.case.lifecycle] = Clean(
                actor.cards(),
                actor.mails(),
                self._clearance(actor),
                actor.answers,
                [call for call in layer.seen[actor.app] if not before or call in before.calls],
            )

    def cases(self) -> list[FaultCase]:
        """Each call with each fault that it can meet, some of them in each lifecycle of the call.

        How a caller handles a short fault depends on the call only. The outcome of an upload whose
        call fails, or succeeds without a response, depends on the lifecycle, too.
        """
        first = {
            call: lifecycle
            for lifecycle in reversed(self._ways())
            for call in self.clean[lifecycle].calls
        }
        return [
            FaultCase(lifecycle, call, fault)
            for lifecycle in self._ways()
            for call in self.clean[lifecycle].calls
            for fault in FAULTS
            if call.who in KILLABLE or not fault.startswith("killed")
            if call.who in NAMING or fault != "error after"
            if first[call] == lifecycle or fault in IN_EACH_LIFECYCLE
        ]

    def _ways(self) -> list[str]:
        return [lifecycle for lifecycle in LIFECYCLES if lifecycle in self.clean]

    def try_all(self, cases: Iterable[FaultCase]) -> Iterator[Result]:
        """Run the cases, several at a time; yield each once it is evaluated."""
        for result in self._run(list(cases)):
            self._judge(result, self.clean[result.case.lifecycle])
            yield result

    def _run(self, cases: list[FaultCase]) -> Iterator[Result]:
        with ThreadPoolExecutor(self._at_once) as pool:
            running = [pool.submit(self._go, case) for case in cases]
            for item in as_completed(running):
                yield item.result()

    def _go(self, case: FaultCase) -> Result:
        """Run the case, again if a call did not come: whether it does may depend on the load."""
        result = self._once(case)
        for _ in range(1, TRIES):
            if self._came(result):
                break
            result = self._once(case)
        return result

    def _came(self, result: Result) -> bool:
        """Whether the call that should fail came, without a fault whether the reminder did."""
        case, app = result.case, result.actor.app
        if case.call:
            return self._layer.plans[app].met > 0
        return case.lifecycle not in lifecycles.WITH_REMINDER or REMINDED in self._layer.seen[app]

    def _once(self, case: FaultCase) -> Result:
        with self._layer._lock:
            self._number += 1
            actor = Actor(self.cloud, self._layer, f"{case.lifecycle}-{self._number:04}")
        result = Result(case, actor)
        if case.call:
            self._layer.plans[actor.app] = Plan(case.call, case.fault)
        try:
            LIFECYCLES[case.lifecycle](actor)
        except Stuck as stuck:
            result.why.append(f"stuck: {stuck}")
        # S3's event about a decision may arrive after the lifecycle has ended.
        time.sleep(EVENT_SECONDS)
        return result

    def _judge(self, result: Result, clean: Clean) -> None:
        actor, case = result.actor, result.case
        why = result.why
        if not self._came(result):
            why.append("the call did not come")
        unsound = list(self._unsound(actor))
        wrong_tags = [wrong for name, wrong in unsound if name.startswith("tag ")]
        why += [f"{name} {wrong}" for name, wrong in unsound if wrong not in wrong_tags]
        unrecorded = self._unrecorded(actor)
        if unrecorded and not (case.call == RECORDS and case.fault in REFUSALS):
            why.append(f"without uploader.json: {unrecorded}")
        more_cards = actor.cards() - clean.cards
        more_mails = actor.mails() - clean.mails
        fewer = (clean.cards - actor.cards()) + (clean.mails - actor.mails())
        clearance = self._clearance(actor)
        if REMINDED not in self._layer.seen[actor.app]:
            for item in REMINDER:
                del fewer[item]
        same = not fewer and clearance == clean.clearance and not wrong_tags
        notifications = more_cards.keys() - clean.cards.keys()
        clicked = [answer for answer in actor.answers if answer.startswith(lifecycles.DONE)]
        if why:
            result.outcome = WRONG
        elif same and not more_cards and not more_mails:
            # The function's errors have an alarm, too.
            result.outcome = ALARM if unrecorded else SAME
        elif same and not notifications:
            result.outcome = TWICE
            why.append(f"twice: {[*more_cards, *more_mails]}")
            if not may_double(case):
                result.outcome = WRONG
        elif notifications:
            result.outcome = CARD
            why.append(f"cards: {sorted(notifications)}")
        elif actor.dead_letters() or any(e.exec_status == "FAILED" for e in actor.executions()):
            result.outcome = ALARM
        elif actor.answers and actor.answers[-1] not in clicked:
            result.outcome = ANSWER
            why.append(actor.answers[-1])
        elif fewer.keys() <= {"approved"} and clicked and not wrong_tags:
            # The answer to the click is in the channel, too.
            result.outcome = ANSWER
            why.append(clicked[0])
        elif (case.call, case.fault) in KNOWN:
            result.outcome = UNREPORTED
        else:
            result.outcome = WRONG
            why.append(f"silent: without {sorted(fewer)}, {clearance} not {clean.clearance}")

    def _unsound(self, actor: Actor) -> Iterator[tuple[str, str]]:
        """Errors in builds, evidence and tags; a wrong tag is accepted if people are notified."""
        for scan in actor.scans:
            if len(self.cloud.builds.all_of(scan)) > 1:
                yield scan, f"{len(self.cloud.builds.all_of(scan))} builds"
        for checked in verify.verified(self._stack, f"scans/{actor.app}/"):
            yield from checked.findings

    def _unrecorded(self, actor: Actor) -> list[str]:
        """The scans whose uploader is not recorded after all tries."""
        deadline = time.monotonic() + RECORDED_SECONDS
        while (
            missing := [
                scan for scan in actor.scans if "uploader.json" not in self.cloud.written(scan)
            ]
        ) and time.monotonic() < deadline:
            time.sleep(0.2)
        return missing

    def _clearance(self, actor: Actor) -> list[str | None]:
        return [self.cloud.clearance(actor.key, scan) for scan in actor.scans]


def may_double(case: FaultCase) -> bool:
    """Whether a card or an email may come twice: its sender got no response."""
    assert case.call
    # Without a response, the request for another scan is repeated, perhaps after that scan's end.
    sends = ("Publish", "SendEmail", "Invoke notify", "Invoke rescan", "StartExecution")
    if case.fault == "slow":
        # A scan of one second may be over when the client tries again; then that starts another.
        return case.call == Call("rescan", "StartExecution")
    return case.fault in UNANSWERED and case.call.what.startswith(sends)


@contextmanager
def start_run(names: Iterable[str] = LIFECYCLES, at_once: int = AT_ONCE) -> Iterator[FaultRun]:
    """Set up an account, and run these lifecycles twice without a fault."""
    with LocalAccount(lifecycles.SETTINGS) as cloud, Layer(cloud) as layer:
        cloud.builds.buildspec = lifecycles.BUILDSPEC
        change_states(cloud, lifecycles.shorten_timeouts)
        yield FaultRun(cloud, layer, names, at_once)


@dataclass(frozen=True)
class Cell:
    """The worst outcome of a call with a fault; ``lifecycle`` is set if it is not the first one."""

    outcome: str
    lifecycle: str = ""

    def __str__(self) -> str:
        mark = "✔" if self.outcome == SAME else self.outcome
        return f"{mark} ({self.lifecycle})" if self.lifecycle else mark


def by_call(results: Iterable[Result]) -> Mapping[Call, Mapping[str, Cell]]:
    """Return the worst results by call and fault, the calls in the order of the lifecycles."""
    order = list(LIFECYCLES)
    table: dict[Call, dict[str, list[Result]]] = {}
    for item in sorted(results, key=lambda item: order.index(item.case.lifecycle)):
        if item.case.call:
            table.setdefault(item.case.call, {}).setdefault(item.case.fault, []).append(item)
    return {
        call: {fault: _worst(result) for fault, result in faults.items()}
        for call, faults in table.items()
    }


def _worst(result: list[Result]) -> Cell:
    """The first of the worst results, which are in the order of the lifecycles."""
    worst = max(result, key=lambda item: OUTCOMES.index(item.outcome))
    first = result[0].outcome == worst.outcome
    return Cell(worst.outcome, "" if first else worst.case.lifecycle)
