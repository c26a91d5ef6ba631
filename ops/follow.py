"""Follows a scan until its result, by what an uploader may read: evidence and status."""

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from domain import durations
from ops import comparison, ending, errors, formats, output, report_table, stack
from ops.ending import Ending
from ops.errors import CommandError
from ops.evidence import Evidence
from ops.formats import ResultOptions
from ops.scan_documents import Scan
from ops.snapshot import Reader, Snapshot
from ops.step_display import StepDisplay
from ops.steps import steps
from ops.target import Target, TimeoutOption, WaitFor, seconds

__all__ = ["Target", "TimeoutOption", "WaitFor", "finish", "seconds", "until"]

# Seconds between two looks: short while something happens, longer while nothing does.
SHORTEST_PAUSE, LONGEST_PAUSE, SLOWER = 1.0, 5.0, 1.3
# EventBridge usually delivers an event within seconds; its retries last up to a day.
BEGINS_WITHIN_SECONDS = 60.0
# How long AWS may be unreachable or throttle, once it has answered.
PATIENCE_SECONDS = 120.0


def finish(
    environment: stack.Stack,
    target: Target,
    options: ResultOptions,
    about: Mapping[str, Any] | None = None,
) -> int:
    """Follow the scan, print and write its result, return the exit code.

    ``about`` are fields that ``--json`` prints before the result's, for example of the upload.
    """
    formats.check(options)
    result, snapshot = until(environment, target)
    # What contradicts itself is not evidence of anything.
    scan = snapshot.scan if snapshot and not snapshot.contradiction else None
    is_over = result.status != "interrupted"
    changes = comparison.of(Evidence(environment), scan) if scan and is_over else None
    if options.json:
        evidence = report_table.document(scan, changes) if scan else {}
        output.as_json({**(about or {}), **_document(result, target, snapshot), **evidence})
    elif scan and is_over:
        report_table.show(environment, scan, changes)
    mark, style = ("✔", "green") if result.exit_code == 0 else ("✘", "red")
    output.say(f"{mark} {result.sentence}", style)
    for step in filter(None, result.next_step.split("\n")):
        output.say(f"  {step}")
    if is_over:
        report_table.write(
            environment,
            options,
            scan or Scan(id=target.scan),
            changes,
            status=result.status,
            sentence=result.sentence,
        )
    return result.exit_code


def until(environment: stack.Stack, target: Target) -> tuple[Ending, Snapshot | None]:
    """Follow the scan until its result, and show each step on stderr.

    Return what was read last, too, None if nothing was.

    Raises:
        CommandError: the evidence cannot be read, for example without the right to.
    """
    follower = _Follower(environment, target)
    try:
        with StepDisplay() as display:
            return follower.follow(display), follower.last
    except KeyboardInterrupt:
        return ending.interrupted(follower.last, target, environment), follower.last
    except (BotoCoreError, ClientError) as error:
        failure = errors.of_aws(error)
        again = ending.follow_again(target, environment)
        raise CommandError(failure.what, f"{failure.fix}; then: {again}") from error


class _Follower:
    """``last`` is what was read last."""

    def __init__(self, environment: stack.Stack, target: Target) -> None:
        self._environment, self._target = environment, target
        self._reader = Reader(environment, target.scan, target.key)
        self._failing_since: float | None = None
        self.last: Snapshot | None = None

    def follow(self, display: StepDisplay) -> Ending:
        target, environment = self._target, self._environment
        started, pause = time.monotonic(), SHORTEST_PAUSE
        followed, hint = target.scan, _not_begun(environment, target)
        while True:
            snapshot = self._read(display)
            is_news = self.last is None or snapshot.files.keys() != self.last.files.keys()
            pause = SHORTEST_PAUSE if is_news else min(LONGEST_PAUSE, pause * SLOWER)
            self.last = snapshot
            if snapshot.opened and snapshot.scan.id != followed:
                display.restart(f"{followed} is scanned again, as {snapshot.scan.id}")
                followed = snapshot.scan.id
            result = ending.of(snapshot, target, environment)
            display.show(steps(snapshot), has_ended=result is not None)
            if result:
                return result
            elapsed = time.monotonic() - started
            limit = target.seconds(bool(snapshot.scan.gate_result))
            if elapsed >= limit:
                return ending.timed_out(snapshot, target, environment, limit)
            if hint and elapsed >= BEGINS_WITHIN_SECONDS and not snapshot.opened:
                display.say(hint)
                hint = ""
            time.sleep(min(pause, limit - elapsed))

    def _read(self, display: StepDisplay) -> Snapshot:
        """Return what is stored now; while AWS cannot be reached, what was read last."""
        try:
            snapshot = self._reader.read()
        except (BotoCoreError, ClientError) as error:
            if self.last is None or not errors.is_temporary(error):
                raise
            if self._failing_since is None:
                self._failing_since = time.monotonic()
                patience = durations.text(PATIENCE_SECONDS)
                display.say(f"{errors.of_aws(error).what}; trying again for {patience}")
            elif time.monotonic() - self._failing_since > PATIENCE_SECONDS:
                raise
            return self.last
        if self._failing_since is not None:
            self._failing_since = None
            display.say("AWS answers again")
        return snapshot


def _not_begun(environment: stack.Stack, target: Target) -> str:
    app = target.scan.partition("/")[0]
    return (
        f"nothing has begun within {durations.text(BEGINS_WITHIN_SECONDS)}. Is the id right? "
        f"{environment.command('status', app)} lists the scans. Else the event is late, or the "
        "rule for uploads is off: who operates the environment finds lost events by `redrive`"
    )


def _document(result: Ending, target: Target, snapshot: Snapshot | None) -> dict[str, Any]:
    """The result for ``--json``, without what the evidence says."""
    return {
        "scan": snapshot.scan.id if snapshot else target.scan,
        "status": result.status,
        "exitCode": result.exit_code,
        "sentence": result.sentence,
        "nextStep": result.next_step,
        "steps": [
            {
                "name": step.name,
                "state": step.state.value,
                "seconds": step.seconds,
                "note": step.note,
            }
            for step in (steps(snapshot) if snapshot else ())
        ],
    }
