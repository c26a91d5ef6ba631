"""Checks that commit messages follow Conventional Commits 1.0.0.

`commits.py FILE` checks one message, as git's commit-msg hook calls it; `commits.py --range A..B`
checks each commit of the range except merges. Exit code 1: stderr says what is wrong.
https://www.conventionalcommits.org/en/v1.0.0/
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

TYPES = ("build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "style", "test")
LONGEST = 100  # characters of the first line
# First words of messages that git and GitHub write.
OWN = re.compile(r"(Merge|Revert) ")


def faults(message: str) -> Iterator[str]:
    """Yield the errors of one message."""
    header, *body = message.splitlines() or [""]
    if OWN.match(header):
        return
    matched = re.fullmatch(rf"({'|'.join(TYPES)})(\([a-z0-9-]+\))?!?: (?P<subject>\S.*)", header)
    if not matched:
        yield f"{header!r} is not `type(scope): subject`, with a type of {', '.join(TYPES)}"
    elif re.match(r"[A-Z][a-z ]", matched["subject"]) or header.endswith("."):
        yield f"{header!r}: a subject begins in lower case and ends without a full stop"
    if len(header) > LONGEST:
        yield f"{header!r}: the first line has at most {LONGEST} characters"
    if body and body[0].strip():
        yield f"{header!r}: an empty line separates the first line from the rest"


def of_file(path: str) -> Iterator[str]:
    """Yield the errors of the message in a file; lines that begin with `#` are git's comments."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return faults("\n".join(line for line in lines if not line.startswith("#")).strip())


def of_range(commits: str) -> Iterator[str]:
    """Yield the errors of the commits of a range; of a new branch, only of the last commit."""
    start, _, end = commits.partition("..")
    span = [commits] if start.strip("0") else ["--max-count=1", end]
    listed = subprocess.run(
        ["git", "log", "--no-merges", "-z", "--format=%B", *span, "--"],
        capture_output=True,
        text=True,
        check=True,
    )
    for message in listed.stdout.split("\0"):
        if message.strip():
            yield from faults(message.strip())


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["--range", commits]:
            messages = list(of_range(commits))
        case [path]:
            messages = list(of_file(path))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    for fault in messages:
        print(f"✘ {fault}", file=sys.stderr)
    return bool(messages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
