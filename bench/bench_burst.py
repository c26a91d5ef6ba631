"""Pushes many uploads at once through the pipeline on this machine, and counts what came of them.

``python bench/bench_burst.py [uploads] [slots]``: 1,000 uploads and 20 build slots unless told. The
real program, state machine and functions; the scan is a short process (``quick_scan.py``). Every
fourth event comes again, all in random order. Exits with 1 if anything was lost, doubled or went
another way than it should.
"""

import collections
import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from local.cloud import Cloud

BUILDSPEC = json.dumps(
    {
        "version": 0.2,
        "phases": {
            "build": {"commands": [f"{sys.executable} -S {Path(__file__).parent}/quick_scan.py"]}
        },
    }
)
AT_ONCE = 20
# Longer than the longest pause between two tries for a build slot.
STUCK_SECONDS = 300


class BurstCloud(Cloud):
    """Holds the events of uploads back until they are released, shuffled and some of them twice."""

    def __init__(self, slots: int) -> None:
        super().__init__({"decisionWindow": "1d"}, slots=slots)
        self.held: list[dict[str, Any]] = []

    def deliver(self, event: dict[str, Any]) -> None:
        """Keep the event instead of starting what it would start."""
        self.held.append(event)

    def release(self, repeated: int) -> None:
        """Deliver all that was held, and so many of them again."""
        events = [*self.held, *random.sample(self.held, repeated)]
        random.shuffle(events)
        # EventBridge, too, starts so many at a time.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._deliver, events))


@dataclass
class Burst:
    """What came of it; ``wrong`` has a line for each count that is not as it should be."""

    uploads: int
    repeated: int
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ends: collections.Counter[str] = field(default_factory=collections.Counter)
    states: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))

    def expect(self, what: str, found: int, wanted: int) -> None:
        """Count ``what``; it is wrong unless ``wanted`` were found."""
        self.counts[what] = found
        if found != wanted:
            self.wrong.append(f"{what}: {found} instead of {wanted}")


def burst(uploads: int, slots: int, say: Callable[[str], None] = lambda line: None) -> Burst:
    """Run one burst and judge it."""
    result = Burst(uploads, repeated=uploads // 4)
    with BurstCloud(slots) as cloud:
        cloud.builds.buildspec = BUILDSPEC
        began = time.monotonic()
        keys = [f"burst-{number}/app.zip" for number in range(uploads)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            scans = dict(
                zip(pool.map(lambda key: cloud.upload(key, b"zip"), keys), keys, strict=True)
            )
        result.seconds["uploading"] = time.monotonic() - began
        cloud.release(result.repeated)
        _wait(cloud, result, began, say)
        result.seconds["in all"] = time.monotonic() - began
        say("counting")
        _judge(cloud, result, scans)
    return result


def _wait(cloud: Cloud, result: Burst, began: float, say: Callable[[str], None]) -> None:
    """Wait until all that should end has ended and all that should be asked is asked."""
    failed = result.uploads // 2
    wanted = (result.uploads - failed + result.repeated, failed)
    last, since = (-1, -1), time.monotonic()
    everything = result.uploads + result.repeated
    while last != wanted and last[0] < everything and time.monotonic() - since < STUCK_SECONDS:
        ended = sum(each["status"] != "RUNNING" for each in cloud.executions())
        now = (ended, sum(bool(card.scan) for card in cloud.channel.cards))
        if now != last:
            last, since = now, time.monotonic()
        say(f"{ended} executions ended, {now[1]} cards, {time.monotonic() - began:.0f} s")
        time.sleep(1)
    time.sleep(2)  # what comes twice comes now


def _judge(cloud: BurstCloud, result: Burst, scans: dict[str, str]) -> None:
    ways = _ways(cloud)
    executions = cloud.executions()
    version_of = {event["id"]: event["detail"]["object"]["version-id"] for event in cloud.held}
    opened: dict[str, int] = collections.Counter()
    in_order = 0
    for each in executions:
        states = cloud.states(each["executionArn"])
        version = version_of[each["name"][:36]]
        in_order += all(after in ways[before] for before, after in itertools.pairwise(states))
        result.ends[states[-1]] += 1
        opened[version] += states[-1] in ("Done", "AwaitDecision")
        for state, seconds in cloud.durations(each["executionArn"]).items():
            result.states[state].append(seconds)
    cards = collections.Counter(card.scan for card in cloud.channel.cards if card.scan)
    evidence = {scan: cloud.evidence(scan) for scan in scans}
    failed = {scan for scan, key in scans.items() if int(key.split("/")[0].split("-")[1]) % 2}

    result.expect("events that started nothing", _dead_letters(cloud), 0)
    result.expect("executions", len(executions), result.uploads + result.repeated)
    result.expect("ended as duplicates", result.ends["DuplicateEvent"], result.repeated)
    result.expect("states in an order that the definition allows", in_order, len(executions))
    result.expect(
        "uploads that exactly one execution went through with",
        sum(opened[scan.split("/")[1]] == 1 for scan in scans),
        result.uploads,
    )
    result.expect(
        "uploads scanned by exactly one build",
        sum(len(cloud.builds.all_of(scan)) == 1 for scan in scans),
        result.uploads,
    )
    result.expect(
        "reports about their own upload",
        sum(
            found.get("report.json", {}).get("upload", {}).get("versionId") == scan.split("/")[1]
            for scan, found in evidence.items()
        ),
        result.uploads,
    )
    result.expect(
        "failed uploads with exactly one card",
        sum(cards[each] == 1 for each in failed),
        len(failed),
    )
    # Besides them there are digests, one for each window of time with too many.
    result.expect("cards in all", cards.total(), len(failed))
    result.expect(
        "tags right",
        sum(
            cloud.clearance(key, scan) == ("failed" if scan in failed else "passed")
            for scan, key in scans.items()
        ),
        result.uploads,
    )
    builds = [build for scan in scans for build in cloud.builds.all_of(scan)]
    result.seconds["of a build"] = statistics.median(
        sum(phase["DurationInSeconds"] for phase in build["Phases"]) for build in builds
    )


def _ways(cloud: Cloud) -> dict[str, set[str]]:
    """Which states may follow each state."""
    machine = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=cloud.outputs["stateMachine"]
    )
    return {
        name: {
            each["Next"]
            for each in (state, *state.get("Choices", []), *state.get("Catch", []))
            if "Next" in each
        }
        | ({state["Default"]} if "Default" in state else set())
        for name, state in json.loads(machine["definition"])["States"].items()
    }


def _dead_letters(cloud: Cloud) -> int:
    attributes = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.outputs["deadLetterQueue"], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def table(result: Burst) -> Iterable[str]:
    """The lines that say what came of it, and where the time went."""
    yield f"{result.uploads:>8}  uploads"
    events = result.uploads + result.repeated
    yield f"{events:>8}  events in random order, {result.repeated} of them repeated"
    for what, found in result.counts.items():
        yield f"{found:>8}  {what}"
    for state, found in result.ends.most_common():
        yield f"{found:>8}  executions stand in {state}"
    for what, seconds in result.seconds.items():
        yield f"{seconds:>8.1f}  seconds {what}"
    yield "seconds in each state: median, longest"
    for state, seconds in result.states.items():
        yield f"{statistics.median(seconds):>8.1f} {max(seconds):>8.1f}  {state}"


def main(uploads: int, slots: int) -> int:
    """Run, print and judge; 1 when anything is wrong."""
    width = 60
    result = burst(
        uploads,
        slots,
        lambda line: print(f"\r{line:<{width}}", end="", flush=True, file=sys.stderr),
    )
    print(file=sys.stderr)
    print(*table(result), sep="\n")
    print(*(f"WRONG: {line}" for line in result.wrong), sep="\n")
    return int(bool(result.wrong))


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    sys.exit(main(*(*numbers, *(1000, 20)[len(numbers) :])))
