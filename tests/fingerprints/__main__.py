"""Scans 20 projects in two released versions each, and writes how many findings are matched.

``python -m tests.fingerprints --folder F`` downloads the source archives with pip (which runs
their build scripts), checks each SHA-256, installs Semgrep, and updates the table in the docs. What
is in the folder already is not made again. ``--pairs FILE`` writes 50 matches of changed files, to
be checked by hand.
"""

import argparse
import random
import sys
from pathlib import Path

from scan import fingerprints
from tests.fingerprints.matching import (
    NEIGHBOURS,
    Comparison,
    compared,
    excerpts,
    is_displaced,
    pairs,
)
from tests.fingerprints.scanning import PROJECTS, TOOLS, Workplace

DOCS = Path(__file__).parent.parent.parent / "docs" / "fingerprints.md"
START, END = "<!-- projects -->\n", "<!-- end -->\n"
CHECKED, SEED = 50, 19
# Of a finding's lines, the first of these many are compared in turn.
LINES = (1, fingerprints.MOST_LINES, 1000)


def main() -> int:
    """Run the command described above."""
    parser = argparse.ArgumentParser(prog="python -m tests.fingerprints", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, metavar="FILE")
    options = parser.parse_args()
    workplace = Workplace(options.folder)
    rows: list[tuple[str, list[Comparison]]] = []
    checked: list[str] = []
    displaced = 0
    for project in PROJECTS:
        comparisons: list[Comparison] = []
        for tool in TOOLS:
            before, now = (workplace.scan(release, tool) for release in project.releases)
            comparisons.append(compared(before, now, LINES))
            changed = pairs(before, now)
            sources = before.source, now.source
            displaced += sum(is_displaced(pair, sources) for pair in changed)
            checked += excerpts(changed, project, tool, workplace)
        rows.append((project.title, comparisons))
        print(*rows[-1], flush=True)
    text = DOCS.read_text()
    head, _, rest = text.partition(START)
    moved = (
        f"Of {len(checked):,} matches in files that changed, {displaced} have no line in common "
        f"among the {NEIGHBOURS} before and the {NEIGHBOURS} after.\n"
    )
    DOCS.write_text(f"{head}{START}{table(rows)}{moved}{END}{rest.partition(END)[2]}")
    if options.pairs:
        chosen = random.Random(SEED).sample(checked, CHECKED)
        options.pairs.write_text("\n".join(chosen))
    return 0


def table(rows: list[tuple[str, list[Comparison]]]) -> str:
    """The rows, and their sum, in Markdown."""
    heads = [f"{tool}: {head}" for tool in TOOLS for head in ("earlier", "later", "matched", "new")]
    lines = [f"| project | {' | '.join(heads)} | semgrep: its own |", "|---|" + "--:|" * 9]
    sums = [
        sum((comparisons[number] for _, comparisons in rows), Comparison())
        for number in range(len(TOOLS))
    ]
    for title, (bandit, semgrep) in [*rows, ("all", sums)]:
        cells = [*bandit.cells, *semgrep.cells, f"{semgrep.own:,}"]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    by_lines = ", ".join(
        f"{sum(total.by_lines[number] for total in sums):,} with at most {lines}"
        for number, lines in enumerate(LINES)
    )
    return "\n".join(lines) + f"\n\nMatched by the number of lines compared: {by_lines}.\n"


if __name__ == "__main__":
    sys.exit(main())
