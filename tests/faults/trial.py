"""Sends one upload on its way with one fault, and judges what came of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.cloud import Cloud
from ops import verify
from ops.stack import Stack
from tests.faults import ways
from tests.faults.calls import Call
from tests.faults.injection import FAULTS, MORTAL, REFUSALS, Layer, Plan
from tests.faults.ways import WAYS, People, Stuck
from tests.local.conftest import change_states

AT_ONCE = 14
# What came of a trial, the better before the worse. The last is what must not be.
SAME, TWICE, CARD, ANSWER, ALARM = "as ever", "twice", "card", "answer", "alarm"
UNTOLD, WRONG = "untold", "WRONG"
OUTCOMES = (SAME, TWICE, CARD, ANSWER, ALARM, UNTOLD, WRONG)
# Neither SNS nor SES knows what it was asked before: who is not answered asks again.
UNANSWERED = {"after", "killed after"}
# Faults that are tried on each way that makes a call; the others on the first.
ON_EACH_WAY = ("after", "a while")
# An exception may be over before it is time to remind of it.
REMINDED = Call("state machine", "Invoke announce ending")
REMINDER = {"exception ends", "Ends: quality gate exception"}
# It goes on, and what becomes of it is told; nothing says that the card before that is missing.
KNOWN = {
    (Call("state machine", f"Publish “{title}”"), fault)
    for title in ("still nobody has decided", "exception ends")
    for fault in REFUSALS
}


@dataclass(frozen=True)
class Trial:
    """``fault`` is one of ``FAULTS``, or empty for an upload that meets none."""

    way: str
    call: Call | None = None
    fault: str = ""


@dataclass
class Result:
    """``outcome`` is SAME, ... ; ``why`` says what was seen."""

    trial: Trial
    people: People
    outcome: str = ""
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Clean:
    """What comes of a way without a fault."""

    cards: Counter[str]
    mails: Counter[str]
    clearance: list[str | None]
    answers: list[str]
    calls: list[Call]


class Course:
    """One account, with the ways once through without a fault: ``clean``."""

    def __init__(self, cloud: Cloud, layer: Layer) -> None:
        self.cloud, self._layer = cloud, layer
        self._number = 0
        self._stack = Stack(cloud.outputs, "here")
        vars(self._stack)["client"] = cloud.client  # not by what the shell says
        self.clean: dict[str, Clean] = {}
        for result in self._run([Trial(way) for way in WAYS]):
            people = result.people
            if people.cards()["The pipeline could not go on with app"]:
                result.why.append("the execution failed")
            if result.why:
                raise RuntimeError(f"{people.app} fails without a fault: {result.why}")
            self.clean[result.trial.way] = Clean(
                people.cards(),
                people.mails(),
                self._clearance(people),
                people.answers,
                list(layer.seen[people.app]),
            )

    def trials(self) -> list[Trial]:
        """Each call with each fault that it can meet, and those that last on each way of the call.

        How a caller takes a fault of a moment depends on the call. What becomes of an upload when
        the call does not work, or worked and nobody knows, depends on the way, too.
        """
        first = {call: way for way in reversed(WAYS) for call in self.clean[way].calls}
        return [
            Trial(way, call, fault)
            for way in WAYS
            for call in self.clean[way].calls
            for fault in FAULTS
            if call.who in MORTAL or not fault.startswith("killed")
            if first[call] == way or fault in ON_EACH_WAY
        ]

    def run(self, trials: Iterable[Trial]) -> Iterator[Result]:
        """Run them, some at a time; yield each once it is judged."""
        for result in self._run(list(trials)):
            self._judge(result, self.clean[result.trial.way])
            yield result

    def _run(self, trials: list[Trial]) -> Iterator[Result]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = [pool.submit(self._go, trial) for trial in trials]
            for each in as_completed(running):
                yield each.result()

    def _go(self, trial: Trial) -> Result:
        with self._layer._lock:
            self._number += 1
            people = People(self.cloud, self._layer, f"{trial.way}-{self._number:04}")
        result = Result(trial, people)
        if trial.call:
            self._layer.plans[people.app] = Plan(trial.call, trial.fault)
        try:
            WAYS[trial.way](people)
        except Stuck as stuck:
            result.why.append(f"stuck: {stuck}")
        return result

    def _judge(self, result: Result, clean: Clean) -> None:
        people, trial = result.people, result.trial
        why = result.why
        if not self._layer.plans[people.app].met:
            why.append("the call did not come")
        unsound = list(self._unsound(people))
        wrong_tags = [wrong for name, wrong in unsound if name.startswith("tag ")]
        why += [f"{name} {wrong}" for name, wrong in unsound if wrong not in wrong_tags]
        more_cards = people.cards() - clean.cards
        more_mails = people.mails() - clean.mails
        fewer = (clean.cards - people.cards()) + (clean.mails - people.mails())
        clearance = self._clearance(people)
        if REMINDED not in self._layer.seen[people.app]:
            for each in REMINDER:
                del fewer[each]
        same = not fewer and clearance == clean.clearance and not wrong_tags
        told = more_cards.keys() - clean.cards.keys()
        pressed = [each for each in people.answers if each.startswith(ways.DONE)]
        if why:
            result.outcome = WRONG
        elif same and not more_cards and not more_mails:
            result.outcome = SAME
        elif same and not told:
            result.outcome = TWICE
            why.append(f"twice: {[*more_cards, *more_mails]}")
            if not may_double(trial):
                result.outcome = WRONG
        elif told:
            result.outcome = CARD
            why.append(f"cards: {sorted(told)}")
        elif people.dead_letters() or any(e.exec_status == "FAILED" for e in people.executions()):
            result.outcome = ALARM
        elif people.answers and people.answers[-1] not in pressed:
            result.outcome = ANSWER
            why.append(people.answers[-1])
        elif fewer.keys() <= {"approved"} and pressed and not wrong_tags:
            # The answer to the press stands in the channel, too.
            result.outcome = ANSWER
            why.append(pressed[0])
        elif (trial.call, trial.fault) in KNOWN:
            result.outcome = UNTOLD
        else:
            result.outcome = WRONG
            why.append(f"silent: without {sorted(fewer)}, {clearance} not {clean.clearance}")

    def _unsound(self, people: People) -> Iterator[tuple[str, str]]:
        """What must never be, whatever failed; a tag may be wrong only where people are told."""
        for scan in people.scans:
            if len(self.cloud.builds.all_of(scan)) > 1:
                yield scan, f"{len(self.cloud.builds.all_of(scan))} builds"
        for checked in verify.verified(self._stack, f"scans/{people.app}/"):
            yield from checked.findings

    def _clearance(self, people: People) -> list[str | None]:
        return [self.cloud.clearance(people.key, scan) for scan in people.scans]


def may_double(trial: Trial) -> bool:
    """Whether a card or a mail may come twice: the answer of who sent it was lost."""
    assert trial.call
    # Who asks for another scan and hears nothing asks again, perhaps after that scan has ended.
    sends = ("Publish", "SendEmail", "Invoke announce", "Invoke rescan", "StartExecution")
    return trial.fault in UNANSWERED and trial.call.what.startswith(sends)


@contextmanager
def course(change: Callable[[Cloud], None] = lambda cloud: None) -> Iterator[Course]:
    """Set an account up for trials; ``change`` may break it first."""
    with Cloud(ways.SETTINGS) as cloud, Layer(cloud) as layer:
        cloud.builds.buildspec = ways.BUILDSPEC
        change_states(cloud, ways.hurry)
        change(cloud)
        yield Course(cloud, layer)


@dataclass(frozen=True)
class Cell:
    """The worst outcome of a call with a fault; ``way`` where that is not its first way's."""

    outcome: str
    way: str = ""

    def __str__(self) -> str:
        mark = "✔" if self.outcome == SAME else self.outcome
        return f"{mark} ({self.way})" if self.way else mark


def by_call(results: Iterable[Result]) -> Mapping[Call, Mapping[str, Cell]]:
    """Return the worst results by call and fault, the calls in the order of the ways."""
    order = list(WAYS)
    table: dict[Call, dict[str, list[Result]]] = {}
    for each in sorted(results, key=lambda each: order.index(each.trial.way)):
        if each.trial.call:
            table.setdefault(each.trial.call, {}).setdefault(each.trial.fault, []).append(each)
    return {
        call: {fault: _worst(found) for fault, found in faults.items()}
        for call, faults in table.items()
    }


def _worst(found: list[Result]) -> Cell:
    """Of results in the order of the ways; of several that are as bad, the first."""
    worst = max(found, key=lambda each: OUTCOMES.index(each.outcome))
    first = found[0].outcome == worst.outcome
    return Cell(worst.outcome, "" if first else worst.trial.way)
