"""smoke: sends the samples through a deployed environment, and checks the results."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.text import Text

from domain.stored_objects import error_code
from ops import output, stack, uploads
from ops.choice import choose
from ops.decide import ask
from ops.errors import RIGHTS, CommandError
from ops.evidence import Evidence
from ops.invocation import CHATOPS
from ops.verify import verified
from samples import SAMPLES, packed

# The expected gate result of each sample.
EXPECTED = {"payments": "failed", "inventory": "passed"}
LOOK_EVERY_SECONDS = 1.0
# EventBridge usually delivers an event within seconds; its retries, for up to a day, are not
# awaited.
OPENED_WITHIN_SECONDS = 120


@dataclass
class Checks:
    """The checks so far; each is printed at once."""

    console: Console
    made: list[dict[str, Any]] = field(default_factory=list)

    def check(self, scan: str, what: str, holds: bool, failure: str) -> bool:
        """Record and print whether ``what`` holds, with ``failure`` if not; return ``holds``."""
        why = "" if holds else failure
        self.made.append({"scan": scan, "what": what, "holds": holds, "why": why})
        mark, style = ("✔", "green") if holds else ("✘", "red")
        self.console.print(Text.assemble((mark, style), f" {what}", f": {why}" if why else ""))
        return holds

    @property
    def failed(self) -> int:
        """How many checks failed."""
        return sum(not check["holds"] for check in self.made)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One uploaded sample."""

    sample: str
    key: str
    version: str

    @property
    def scan(self) -> str:
        """The id of its scan."""
        return f"{uploads.app_of(self.key)}/{self.version}"


def smoke(
    reject: Annotated[
        bool, typer.Option("--reject", help="Reject the failed sample, as the channel would.")
    ] = False,
    minutes: Annotated[int, typer.Option(min=1, help="Longest that the scans may take.")] = 45,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Send the samples through an environment and check cards, clearance and evidence.

    One sample passes; the other fails, and the channel sees its card. Without --reject its request
    stays open. Exit code 1: something was not as it should be.

    Example: chatops smoke --reject --stack dev
    """
    environment = stack.load(stack_name, outputs)
    checks = Checks(output.err() if json else output.out())
    run = f"smoke-{uuid.uuid4().hex[:8]}"
    sent: list[Sent] = []
    try:
        for sample in EXPECTED:
            # One by one, so that the first is cleaned up even if sending the second fails.
            sent.append(_send(environment, run, sample))  # noqa: PERF401
        deadline = time.monotonic() + minutes * 60
        for upload in sent:
            _follow(environment, checks, upload, deadline, reject)
    finally:
        _clean_up(environment, sent)
    if json:
        output.as_json(checks.made)
    output.say(
        f"{output.counted(len(checks.made), 'check')}, {checks.failed} failed",
        "red" if checks.failed else "green",
    )
    if checks.failed:
        raise typer.Exit(1)


def _send(environment: stack.Stack, run: str, sample: str) -> Sent:
    key = f"{run}-{sample}/{sample}.zip"
    answer = environment.client("s3").put_object(
        Bucket=environment["uploadBucket"], Key=key, Body=packed(SAMPLES / sample)
    )
    return Sent(sample=sample, key=key, version=answer["VersionId"])


def _follow(
    environment: stack.Stack, checks: Checks, sent: Sent, deadline: float, reject: bool
) -> None:
    """Wait until the scan of ``sent`` is over or awaits a decision, then run all checks on it."""
    evidence, expected = Evidence(environment), EXPECTED[sent.sample]
    checks.console.print(Text(f"\n{sent.key}  {sent.scan}", style="bold"))
    output.say("  Open", "dim")
    opened = _until(
        lambda: evidence.read(sent.scan, "scan.json"),
        min(deadline, time.monotonic() + OPENED_WITHIN_SECONDS),
    )
    if not checks.check(
        sent.scan,
        "the upload's event began a scan",
        bool(opened),
        f"not within {OPENED_WITHIN_SECONDS} s; look for it: "
        f"{CHATOPS} redrive {environment.option}",
    ):
        return
    execution = opened["execution"]
    state = _rest(environment, sent, execution, deadline)
    gate_result = evidence.scan(sent.scan).gate_result or {}
    if not checks.check(
        sent.scan,
        f"its gate {expected}",
        gate_result.get("status") == expected,
        f"{gate_result.get('status', 'not evaluated')} "
        f"({gate_result.get('reason', f'it is in {state}')})",
    ):
        return
    if expected == "passed":
        _check_passed(environment, checks, sent, execution)
    else:
        _check_failed(environment, checks, sent, execution)
        if reject:
            answer = ask(
                environment,
                environment["approvalFunction"],
                {"scan": sent.scan, "reject": "smoke test: rejected by the command line"},
            )
            checks.check(sent.scan, "a rejection is taken", answer.startswith("Rejected"), answer)
            _rest(environment, sent, execution, deadline, over=True)
            _check_over(environment, checks, sent, execution, "rejected")
    _check_evidence(environment, checks, sent)


def _check_passed(environment: stack.Stack, checks: Checks, sent: Sent, execution: str) -> None:
    card = _card(environment, sent)
    checks.check(sent.scan, "no notification was sent", card is None, "there is a card")
    _check_over(environment, checks, sent, execution, "passed")
    selected, _ = choose(environment, uploads.app_of(sent.key))
    checks.check(
        sent.scan, "fetch would deploy it", selected.upload.version == sent.version, selected.why
    )


def _check_failed(environment: stack.Stack, checks: Checks, sent: Sent, execution: str) -> None:
    card = _card(environment, sent)
    metadata = card.get("metadata") if isinstance(card, dict) else None
    asks = isinstance(metadata, dict) and metadata.get("enableCustomActions") is True
    checks.check(sent.scan, "its card has buttons", asks, "the card in gate-result.json says no")
    published = "PublishCard" in _states(environment, execution)
    checks.check(sent.scan, "its card was published", published, "the execution never did")
    waits = _waits(environment, sent)
    checks.check(sent.scan, "it awaits a decision", bool(waits), "no token waits")
    _check_tag(environment, checks, sent, "failed")
    try:
        choose(environment, uploads.app_of(sent.key))
        refused = False
    except CommandError as failure:
        refused = failure.code == 1
    checks.check(sent.scan, "fetch would not deploy it", refused, "it would")


def _card(environment: stack.Stack, sent: Sent) -> Any:
    """The first card for the channel; None if there is none."""
    return (Evidence(environment).read(sent.scan, "gate-result.json") or {}).get("card")


def _check_over(
    environment: stack.Stack, checks: Checks, sent: Sent, execution: str, status: str
) -> None:
    _check_tag(environment, checks, sent, status)
    ended = _status(environment, execution)
    checks.check(sent.scan, "its execution succeeded", ended == "SUCCEEDED", ended)


def _check_tag(environment: stack.Stack, checks: Checks, sent: Sent, status: str) -> None:
    tag = uploads.status(environment, sent.key, sent.version)
    checks.check(sent.scan, f"its version is tagged {status}", tag == status, str(tag))


def _check_evidence(environment: stack.Stack, checks: Checks, sent: Sent) -> None:
    problems = [
        f"{file} {what}"
        for verified_scan in verified(environment, f"scans/{sent.scan}/")
        for file, what in verified_scan.findings
    ]
    checks.check(sent.scan, "its evidence is whole", not problems, "; ".join(problems))


def _rest(
    environment: stack.Stack, sent: Sent, execution: str, deadline: float, over: bool = False
) -> str:
    """Wait until the execution is over or (unless ``over``) awaits a decision; return its state."""
    state = "OpenScan"

    def rests() -> bool:
        nonlocal state
        states = _states(environment, execution)
        if states and states[-1] != state:
            state = states[-1]
            output.say(f"  {state}", "dim")
        if _status(environment, execution) != "RUNNING":
            return True
        return not over and state.startswith("Await") and _waits(environment, sent)

    _until(rests, deadline)
    return state


def _until(probe: Callable[[], Any], deadline: float) -> Any:
    """Call ``probe`` until it returns a truthy value or the ``deadline``; return its last value."""
    while not (value := probe()) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
    return value


def _states(environment: stack.Stack, execution: str) -> list[str]:
    pages = environment.client("stepfunctions").get_paginator("get_execution_history")
    return [
        event["stateEnteredEventDetails"]["name"]
        for page in pages.paginate(executionArn=execution)
        for event in page["events"]
        if "stateEnteredEventDetails" in event
    ]


def _status(environment: stack.Stack, execution: str) -> str:
    response = environment.client("stepfunctions").describe_execution(executionArn=execution)
    return response["status"]


def _waits(environment: stack.Stack, sent: Sent) -> bool:
    listing = environment.client("s3").list_objects_v2(
        Bucket=environment["stateBucket"], Prefix=f"waiting/{sent.scan}.json", MaxKeys=1
    )
    return listing["KeyCount"] > 0


def _clean_up(environment: stack.Stack, sent: list[Sent]) -> None:
    """Delete the uploads whose scans are over; print what is left."""
    for upload in sent:
        opened = Evidence(environment).read(upload.scan, "scan.json")
        if opened and _status(environment, opened["execution"]) == "RUNNING":
            # If it were deleted, the end of its scan could not tag it.
            output.say(
                f"left: {upload.key}, whose scan is not over; reject it in the channel, or: "
                f"{CHATOPS} reject {upload.scan} --reason 'smoke test' "
                f"{environment.option}",
                "yellow",
            )
            continue
        try:
            environment.client("s3").delete_object(
                Bucket=environment["uploadBucket"], Key=upload.key, VersionId=upload.version
            )
        except ClientError as error:
            if error_code(error) not in RIGHTS:
                raise
            output.say(f"left: {upload.key}, which you may not delete", "yellow")
    output.say("left: the evidence, and the projects in SonarQube, under the names above", "dim")
