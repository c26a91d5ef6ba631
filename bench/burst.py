"""Many uploads at once through the whole pipeline on this machine: none lost, none duplicated.

The program, the state machine and the functions are the real ones; a short process takes the place
of the scan (``quick_scan.py``). A quarter of the events is delivered twice, all in random order.
"""

import collections
import json
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.comparison import Table
from local.account import LocalAccount

COMMAND = f"{sys.executable} -S {Path(__file__).parent / 'quick_scan.py'}"
BUILDSPEC = {"version": 0.2, "phases": {"build": {"commands": [COMMAND]}}}
AT_ONCE = 20
# Longer than the longest interval between retries for a build slot.
STUCK_SECONDS = 300


class BurstAccount(LocalAccount):
    """Holds the events of uploads back until ``release``."""

    def __init__(self, slots: int) -> None:
        super().__init__({"decisionWindow": "1d"}, slots=slots)
        self.held: list[dict[str, Any]] = []

    def deliver(self, event: dict[str, Any]) -> None:
        """Hold the event back."""
        self.held.append(event)

    def release(self, repeated: int) -> None:
        """Deliver all held events in random order, ``repeated`` of them twice."""
        events = [*self.held, *random.sample(self.held, repeated)]
        random.shuffle(events)
        # Concurrently, as EventBridge does.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._deliver, events))


def tables(quick: bool) -> Iterator[Table]:
    """1,000 uploads, or 40, with 20 build slots."""
    yield burst(40 if quick else 1000, slots=20)


def burst(uploads: int, slots: int) -> Table:
    """Count the results of a burst; each limit is the exact number that is expected."""
    table = Table("A burst of uploads", ["", "number", "limit"])
    repeated = uploads // 4
    with BurstAccount(slots) as cloud:
        cloud.builds.buildspec = json.dumps(BUILDSPEC)
        began = time.monotonic()
        keys = [f"burst-{number}/app.zip" for number in range(uploads)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ids = pool.map(lambda key: cloud.upload(key, b"zip"), keys)
            scans = dict(zip(ids, keys, strict=True))
        cloud.release(repeated)
        _wait(cloud, uploads, repeated)
        elapsed = time.monotonic() - began
        for name, actual, expected in _counts(cloud, scans, repeated):
            table.add(name, f"{actual:,}", f"{expected:,}", exceeded=actual != expected)
    table.notes.append(
        f"{uploads:,} uploads and {repeated:,} repeated events took {elapsed:.0f} s with {slots} "
        "build slots."
    )
    return table


def _wait(cloud: BurstAccount, uploads: int, repeated: int) -> None:
    """Wait until each execution has ended or sent a card, or nothing changes any more."""
    failed = uploads // 2
    expected = (uploads - failed + repeated, failed)
    last, since = (-1, -1), time.monotonic()
    with Console(stderr=True).status("") as status:
        while last != expected and time.monotonic() - since < STUCK_SECONDS:
            ended = sum(execution["status"] != "RUNNING" for execution in cloud.executions())
            now = (ended, sum(bool(card.scan) for card in cloud.channel.cards))
            if now != last:
                last, since = now, time.monotonic()
            status.update(f"{now[0]} executions ended, {now[1]} cards")
            time.sleep(1)
    time.sleep(2)  # for duplicates, if any


def _counts(
    cloud: BurstAccount, scans: dict[str, str], repeated: int
) -> Iterator[tuple[str, int, int]]:
    """Each count as (name, actual number, expected number)."""
    executions = [execution["executionArn"] for execution in cloud.executions()]
    last_states = collections.Counter(cloud.states(execution)[-1] for execution in executions)
    failed = {scan for scan, key in scans.items() if int(key.split("/")[0].split("-")[1]) % 2}
    cards = collections.Counter(card.scan for card in cloud.channel.cards if card.scan)
    reports = {scan: cloud.evidence(scan).get("report.json", {}) for scan in scans}

    yield "events that started nothing", _dead_letters(cloud), 0
    yield "executions", len(executions), len(scans) + repeated
    yield "passed", last_states["Done"], len(scans) - len(failed)
    yield "await a decision", last_states["AwaitDecision"], len(failed)
    yield "ended as duplicates", last_states["DuplicateEvent"], repeated
    yield (
        "uploads scanned by exactly one build",
        sum(len(cloud.builds.all_of(scan)) == 1 for scan in scans),
        len(scans),
    )
    yield (
        "reports about their own upload",
        sum(report.get("scan") == scan for scan, report in reports.items()),
        len(scans),
    )
    yield "failed uploads with one card", sum(cards[scan] == 1 for scan in failed), len(failed)
    # Without digests, which are about several scans.
    yield "cards in all", cards.total(), len(failed)
    yield (
        "versions with the right tag",
        sum(
            cloud.clearance(key, scan) == ("failed" if scan in failed else "passed")
            for scan, key in scans.items()
        ),
        len(scans),
    )


def _dead_letters(cloud: BurstAccount) -> int:
    attributes = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.outputs["deadLetterQueue"], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])
