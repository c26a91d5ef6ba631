"""Prints annotations for GitHub Actions, and appends a summary to that of the step.

Workflow commands are lines, escaped as in GitHub's own toolkit (actions/toolkit,
packages/core/src/command.ts). GitHub shows 10 annotations of each level for a step, and refuses a
summary over 1 MiB:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from domain.sanitize import line
from ops import output
from ops.formats.result import ScanResult, relative

MOST_ANNOTATIONS, MOST_ROWS, LONGEST = 10, 50, 1000
MOST_BYTES = 1024 * 1024
LEVELS = {
    "BLOCKER": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "notice", "INFO": "notice"
}  # fmt: skip
NEW = "🆕 "
# In Markdown, any ASCII punctuation after a backslash is text (CommonMark 0.31, section 2.4).
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def annotate(result: ScanResult, *, to_stderr: bool) -> None:
    """Print the worst findings as annotations of the code."""
    stream = sys.stderr if to_stderr else sys.stdout
    encoding = stream.encoding or "utf-8"  # cp1252 on Windows
    printed = Counter[str]()
    for level, command in _annotations(result):
        printed[level] += 1
        if printed[level] <= MOST_ANNOTATIONS:
            print(command.encode(encoding, errors="replace").decode(encoding), file=stream)
    stream.flush()


def summarize(result: ScanResult) -> None:
    """Append the result to the summary of the step, if there is one, and room in it."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    text = summary(result).encode()
    try:
        with Path(path).open("ab") as file:
            if file.tell() + len(text) <= MOST_BYTES:
                file.write(text)
            else:
                output.say("! the summary of the step is full: the result is not in it", "yellow")
    except OSError as error:
        output.say(f"! the summary of the step cannot be written: {error}", "yellow")


def summary(result: ScanResult) -> str:
    """Return the result as Markdown."""
    mark = "✅" if result.is_cleared else "❌"
    parts = [f"## {mark} {_text(result.app)}: {_text(result.status)}", _text(result.sentence)]
    parts.append(f"Scan {_text(result.scan)}")
    if changes := result.changes:
        numbers = (
            f"{len(findings):,} {name}"
            for name, findings in (
                ("new", changes.new),
                ("known", changes.known),
                ("fixed", changes.fixed),
            )
        )
        parts.append(f"Since {_text(result.baseline)}: {', '.join(numbers)}")
    report = result.evaluated
    if report:
        conditions = (
            (
                "❌" if condition.failed else "✅",
                condition.name,
                condition.actual_text,
                condition.expected_text,
            )
            for condition in report.conditions[:MOST_ROWS]
        )
        parts.append(_table(("", "Condition", "Actual", "Expected"), conditions))
    if report and report.failed_scanners:
        parts.append(_table(("Scanner that failed to run", "Why"), report.failed_scanners))
    if rows := [
        (
            f"{NEW}{finding.severity}" if result.is_new(finding) else finding.severity,
            finding.rule_by,
            finding.location,
            finding.message,
        )
        for finding in result.new_first[:MOST_ROWS]
    ]:
        parts.append(_table(("Severity", "Rule", "Place", "Finding"), rows))
    if report and (more := sum(report.counts.values()) - len(rows)) > 0:
        parts.append(f"{more:,} more findings are not listed here.")
    if files := [(entry.file or "a file", entry.reason) for entry in result.unanalysed[:MOST_ROWS]]:
        parts.append(_table(("Not analysed", "Reason"), files))
    return "\n\n".join(parts) + "\n\n"


def _annotations(result: ScanResult) -> Iterator[tuple[str, str]]:
    """Each annotation as its level and the line that makes it, the most important first."""
    level = "notice" if result.is_cleared else "error"
    yield _annotation(level, result.sentence, title=f"{result.app}: {result.status}")
    for finding in result.new_first:
        # A finding that people approved fails nothing; neither does one that the gate lets pass.
        level = "notice" if result.is_cleared else LEVELS[finding.severity]
        mark = NEW if result.is_new(finding) else ""
        title = f"{mark}{finding.severity} {finding.rule_by}"
        yield _annotation(level, finding.message, finding.file, finding.line, title)
    for scanner in result.evaluated.failed_scanners if result.evaluated else ():
        yield _annotation("error", scanner.error, title=f"{scanner.name} failed to run")
    for entry in result.unanalysed:
        yield _annotation("warning", entry.reason, entry.file, title="Not analysed")


def _annotation(
    level: str, message: str, file: str = "", number: int | None = None, title: str = ""
) -> tuple[str, str]:
    properties: dict[str, object] = {"title": line(title, LONGEST)}
    if relative(file) and file.isprintable():
        properties["file"] = file
        if number is not None:
            properties["line"] = number
    elif file:
        message = f"{message} ({file})"
    named = ",".join(
        f"{name}={_data(value).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
    )
    return level, f"::{level} {named}::{_data(line(message, LONGEST))}"


def _data(value: object) -> str:
    return str(value).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(value: str) -> str:
    """The value in one line of Markdown, as text only: no HTML, links, tables or emphasis."""
    return PUNCTUATION.sub(r"\\\g<0>", line(value, LONGEST).strip())
