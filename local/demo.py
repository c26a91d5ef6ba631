"""The whole pipeline on this machine, shown step by step: ``make demo``."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from components.scan_project import RECIPES
from domain import report, sanitize, uploader
from handlers import not_scanned
from local import show
from local.chat_service_validation import Refused
from local.state_descriptions import DESCRIPTIONS
from packs.__main__ import main as fetch
from samples import SAMPLES, key_for, packed
from samples.payments_versions import payments_versions

SETTINGS = {
    # The demo uploads as ada@example.com, who so gets the emails about it.
    "uploaderDomains": '["example.com"]',
    # So that payments 1.5, which has the same findings as 1.4, shows what an approval covers.
    "approvalCovers": "findings",
}
REASON = "Known, fixed in 2.0; the service is not reachable from outside"


class UnexpectedResult(Exception):
    """A step did not end as expected."""


class Demo:
    """Shows one run; clicks ``decision``, or asks the user if it is None."""

    def __init__(self, console: Console, decision: str | None, reason: str) -> None:
        self._console, self._decision, self._reason = console, decision, reason
        self._deployed = self._answered = 0.0
        self.scan_failed = False
        self._times: dict[str, dict[str, float]] = {}

    def run(
        self, uploads: Sequence[tuple[str, bytes, str | None]], settings: dict[str, str]
    ) -> None:
        """Deploy, and follow each upload: (key, zip, outcome that it must have or None)."""
        say = self._console.print
        started = time.monotonic()
        with self._console.status("Starting AWS on this machine, deploying"):
            # Imported after the status line is visible: Pulumi and moto take seconds.
            from local.account import LocalAccount

            cloud = LocalAccount(settings)
            cloud.__enter__()
        try:
            created = len(cloud.created)
            self._deployed = time.monotonic() - started
            say(f"[green]✔[/green] Deployed the real program: {created} resources, no AWS account")
            say(Text(f"  {cloud.outputs['uploadBucket']}", style="dim"))
            for key, body, expected in uploads:
                outcome = self._follow(cloud, key, body)
                if expected and outcome != expected:
                    raise UnexpectedResult(
                        f"{key} should have ended as {expected}, but ended as {outcome}"
                    )
            if cloud.channel.dropped:
                raise UnexpectedResult(
                    f"the channel dropped a card: {cloud.channel.dropped[0].why}"
                )
            if cloud.guard.denied:
                raise UnexpectedResult(f"a policy is too narrow: {cloud.guard.denied[0]}")
            permissions = _permissions(cloud)
        finally:
            cloud.__exit__()
        self._show_times()
        say(f"  {permissions}", style="dim")

    def _follow(self, cloud: Any, key: str, body: bytes) -> str:
        say = self._console.print
        say()
        say(Text(f"⬆ {key}", style="bold") + Text(f"  {len(body):,} bytes", style="not bold dim"))
        started, uploaded = time.monotonic(), time.time()
        scan = cloud.upload(key, body)
        execution = cloud.execution(scan)
        self._watch(cloud, scan, execution, started, {"AwaitDecision", "AwaitWithdrawal"})
        if "AwaitDecision" in cloud.states(execution):
            card = cloud.channel.wait(lambda card: card.scan == scan)
            seconds_to_result = card.received - uploaded
            say()
            say(show.card(card))
            self._show_failure_email(cloud, scan)
            cloud.reached(execution, "AwaitDecision")  # a click before that would find no token
            self._decide(cloud, card)
            self._watch(
                cloud,
                scan,
                execution,
                started,
                {"AwaitWithdrawal"},
                after="AwaitDecision",
            )
            self._show_decision(cloud, scan)
        elif "AwaitWithdrawal" in cloud.states(execution):
            say("  [green]✔ Nothing new: the exception covers it, nobody is asked.[/green]\n")
            card = cloud.channel.wait(lambda card: card.scan == scan)
            seconds_to_result = card.received - uploaded
            say(show.card(card))
            say(show.mail(_mails(cloud, scan)[-1]))
        elif "PublishCard" in cloud.states(execution):
            say()
            card = cloud.channel.wait(lambda card: card.scan == scan)
            seconds_to_result = card.received - uploaded
            say(show.card(card))
            self._show_failure_email(cloud, scan)
            self.scan_failed = True
        else:
            say("  [green]✔ The gate passed: no notification is sent.[/green]")
            seconds_to_result = time.time() - uploaded
        self._show_evidence(cloud, key, scan)
        self._times[key] = time_breakdown(cloud, scan, execution, seconds_to_result)
        status = cloud.clearance(key, scan)
        if not status:
            raise UnexpectedResult(
                f"{key} has no clearance; it went {' > '.join(cloud.states(execution))}"
            )
        return status

    def _watch(
        self,
        cloud: Any,
        scan: str,
        execution: str,
        started: float,
        until: set[str],
        after: str = "OpenScan",
    ) -> None:
        """Print each state when it is entered, and each line of the build log."""
        printed, lines, passed = 0, 0, after == "OpenScan"

        def show_log() -> None:
            nonlocal lines
            log = cloud.build_log(scan)
            for line in log[lines:]:
                printed = Text(f"            │ {line}", style="dim")
                self._console.print(printed, no_wrap=True, overflow="ellipsis")
            lines = len(log)

        with self._console.status("") as spinner:
            while True:
                ended = cloud.status(execution) != "RUNNING"
                entered = cloud.states(execution)
                for position, state in enumerate(entered[printed:], printed):
                    if passed and position and entered[position - 1] == "Scan":
                        show_log()
                    if passed and state in DESCRIPTIONS:
                        elapsed = show.seconds(time.monotonic() - started)
                        self._console.print(f"  [dim]{elapsed}[/dim]  {DESCRIPTIONS[state]}")
                        spinner.update(DESCRIPTIONS[state])
                    passed = passed or state == after
                printed = len(entered)
                if entered and entered[-1] == "Scan":
                    show_log()
                if ended or (passed and until & set(entered)):
                    return
                time.sleep(0.1)

    def _decide(self, cloud: Any, card: Any) -> None:
        say = self._console.print
        while True:
            decision, reason = self._ask()
            button = next((button for button in card.buttons if button.label == decision), None)
            if button is None:
                raise UnexpectedResult(f"the card has no button {decision}")
            say(Text(f"  👆 {decision}, Reason: {reason}"))
            clicked_at = time.monotonic()
            try:
                answer = cloud.channel.click(button, {"Reason": reason})
            except Refused as refused:
                answer = str(refused)
            self._answered = time.monotonic() - clicked_at
            say(Text(f"  💬 {answer}"))
            if answer.startswith(("Approved", "Rejected")):
                return
            if self._decision:
                raise UnexpectedResult(answer)

    def _ask(self) -> tuple[str, str]:
        """The button and the reason: as given, or as entered on the terminal."""
        if self._decision:
            return self._decision, self._reason
        choice = ""
        while choice not in ("a", "r"):
            answer = self._console.input("  Click [bold]A[/bold]pprove or [bold]R[/bold]eject: ")
            choice = answer.strip().lower()[:1]
        reason = self._console.input("  Reason: ").strip()
        return ("Approve" if choice == "a" else "Reject"), reason

    def _show_decision(self, cloud: Any, scan: str) -> None:
        mails = _mails(cloud, scan)
        if len(mails) != 2:
            raise UnexpectedResult(f"two emails should have been sent, and {len(mails)} were")
        outcome_card = cloud.channel.wait(
            lambda card: card.scan == scan and "gate failed" not in card.title
        )
        self._console.print()
        self._console.print(show.card(outcome_card))
        self._console.print(show.mail(mails[-1]))

    def _show_failure_email(self, cloud: Any, scan: str) -> None:
        """Print the email to the uploader, which is sent as soon as the card is published."""
        from local.account import wait_until

        sent = wait_until(lambda: _mails(cloud, scan), 30, lambda: "the uploader got no email")
        self._console.print(show.mail(sent[0]))

    def _show_evidence(self, cloud: Any, key: str, scan: str) -> None:
        tree = Tree(Text("Evidence ") + Text(f"scans/{scan}/", style="dim"))
        for name, content in cloud.evidence(scan).items():
            tree.add(Text(f"{name} ") + Text(_gist(name, content), style="dim"))
        self._console.print()
        self._console.print(Padding(tree, (0, 0, 0, 2)))
        if seen := analysed_files(scan, cloud.evidence(scan).get("report.json")):
            self._console.print(Text(f"  Coverage   {seen}"))
        status = cloud.clearance(key, scan)
        self._console.print(f"  Clearance  scan-status=[bold]{status}[/bold]")

    def _show_times(self) -> None:
        table = Table(title="Where the time went", title_justify="left", box=None)
        table.add_column("")
        for key in self._times:
            table.add_column(Text(key), justify="right")
        rows = list(next(iter(self._times.values())))
        for row in rows:
            style = "bold" if row == rows[-1] else ""
            cells = [show.seconds(time_breakdown[row]) for time_breakdown in self._times.values()]
            table.add_row(row, *cells, style=style)
        say = self._console.print
        say()
        say(table)
        say(f"  Deployed in {self._deployed:.1f} s", style="dim")
        if self._answered:
            say(f"  The button answered in {self._answered:.1f} s, cold", style="dim")


def _permissions(cloud: Any) -> str:
    """How many kinds of calls were evaluated against the policies; none was refused."""
    if not cloud.guard.evaluates:
        return "Calls were not evaluated against the policies: that needs Node.js with npm"
    calls = cloud.guard.allowed.values()
    callers = {call.caller for call in calls}
    return (
        f"{len(calls)} kinds of calls by {len(callers)} roles and services: the policies allow each"
    )


def analysed_files(scan: str, document: Any) -> str:
    """Which files the scan analysed and which not; empty if the report has no coverage.

    For example ``2 of 3 files of code analysed; not covered: old.zip: archive``.
    """
    parsed_report = report.parse(document, scan)
    if not parsed_report or not parsed_report.coverage:
        return ""
    parts = [parsed_report.coverage.analysed]
    for word, lines in (
        ("unanalysed", not_scanned.unanalysed(parsed_report, 3)),
        ("not covered", not_scanned.by_nature(parsed_report, 3, 3)),
    ):
        named = (": ".join(filter(None, (row.file, row.words))) for row in lines)
        parts += [f"{word}: {', '.join(named)}"] if lines else []
    return sanitize.line("; ".join(parts), 400)


def _mails(cloud: Any, scan: str) -> list[Any]:
    version = scan.split("/")[1]
    return [email for email in cloud.emails() if version in show.mail_text(email)]


def time_breakdown(cloud: Any, scan: str, execution: str, total: float) -> dict[str, float]:
    """The parts, in seconds, of the ``total`` from the upload to the result."""
    durations = cloud.durations(execution)
    phases = {
        phase["PhaseType"]: phase["DurationInSeconds"]
        for build in cloud.builds.all_of(scan)
        for phase in build["Phases"]
    }
    parts = {
        "Fetch, unpack, scan, report": phases.get("BUILD", 0),
        "CheckBuildStatus": durations.get("CheckBuildStatus", 0),
    }
    return {**parts, "All else": total - sum(parts.values()), "Time to result": total}


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return 0 if all went as expected, 2 for a wrong option."""
    # make passes options in the environment; as arguments, they are validated too.
    names = ("app", "scanners", "decision")
    given = [
        f"--{name}={os.environ[name.upper()]}" for name in names if os.environ.get(name.upper())
    ]
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument(
        "--app",
        type=Path,
        help="a zip of yours instead of the samples (make demo APP=...)",
    )
    parser.add_argument(
        "--scanners",
        type=_scanners,
        default="bandit,ruff",
        help=f"of {', '.join(RECIPES)}, and sonarqube, a real server (make demo SCANNERS=a,b)",
    )
    parser.add_argument(
        "--decision",
        choices=["Approve", "Reject"],
        help="the button that is clicked; on a terminal you are asked (make demo DECISION=...)",
    )
    options = parser.parse_args([*given, *(sys.argv[1:] if arguments is None else arguments)])
    # Output to a file or a pipe need not wrap at rich's default of 80 columns.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    interactive = sys.stdin.isatty() and console.is_terminal
    decision = options.decision or (None if interactive else "Approve")

    if options.app:
        if not options.app.is_file():
            what = "a folder; zip it first" if options.app.is_dir() else "no file"
            console.print(Text(f"{options.app} is {what}: make demo APP=your.zip", style="red"))
            return 2
        uploads = [(key_for(options.app.name), options.app.read_bytes(), None)]
    else:
        decided = {"Approve": "approved", "Reject": "rejected"}.get(decision or "")
        uploads = [
            ("payments/api-1.4.zip", packed(SAMPLES / "payments"), decided),
            ("payments/api-1.5.zip", payments_versions()[1], decided),
            ("inventory.zip", packed(SAMPLES / "inventory"), "passed"),
        ]
    console.print("[bold]chatops-slack[/bold]  upload a zip, scan it, decide in Slack\n")
    demo = Demo(console, decision, REASON)
    if fetch(options.scanners):
        return 1
    try:
        with _settings(options.scanners, console) as settings:
            demo.run(uploads, {**SETTINGS, **settings})
    except (UnexpectedResult, TimeoutError, RuntimeError) as error:
        console.print(Text(f"\n✘ {error}", style="red"))
        return 1
    except (KeyboardInterrupt, EOFError):
        console.print("\nStopped; nothing is left behind.")
        return 130
    if demo.scan_failed:
        console.print("\n[yellow]The scan failed to run, and its card says why.[/yellow]")
    else:
        console.print(
            "\n[green]✔ Everything worked as expected.[/green]  Deploy it: README.md, Deploy"
        )
    return 0


def _scanners(text: str) -> list[str]:
    """The names in ``text``, with commas between them."""
    names = text.split(",")
    known = (*RECIPES, "sonarqube")
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(known)}")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} names one of them twice")
    return names


@contextmanager
def _settings(scanners: list[str], console: Console) -> Iterator[dict[str, str]]:
    """The settings for ``scanners``; SonarQube's server runs during the ``with``."""
    named = {"scanners": json.dumps(scanners)}
    if "sonarqube" not in scanners:
        yield named
        return
    from local.sonarqube import missing, running_server

    if lacking := missing():
        raise UnexpectedResult(f"{lacking}; without it: make demo")

    def say(line: str) -> None:
        console.print(f"  [dim]{line}[/dim]")

    with running_server(say) as server:
        yield {**named, "sonarHostUrl": server.url, "sonarToken": server.token}


def _gist(name: str, content: Any) -> str:
    if name == "report.json":
        gate = content["gate"]["status"] if content["gate"] else content["error"]["message"]
        return f"{gate}; {sum(content['counts'].values())} findings"
    if name == "findings.json":
        return f"{len(content['findings'])} listed, {content['omitted']} not"
    if name == "decision.json":
        return f"{content['decision']}: {content['reason']}"
    if name == "scan.json":
        return f"{content['key']}, {content['size']:,} bytes"
    if name == "uploader.json":
        return str(uploader.of(content, None))
    if name == "gate-result.json":
        return f"{content['status']}; names the SHA-256 of {', '.join(content['evidence'])}"
    return {"scanner.log": "what the scanner said"}.get(name, "")


if __name__ == "__main__":
    sys.exit(main())
