"""Time to the first card for a newcomer: from ``git clone``, with empty caches."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.comparison import Table

ROOT = Path(__file__).parent.parent
CARD = "quality gate failed"
# README.md says half a minute; a slow network takes longer.
FIRST_CARD_SECONDS = 60


def tables(quick: bool) -> Iterator[Table]:
    """``make demo`` in a fresh clone."""
    table = Table("From `git clone`", ["", "seconds", "limit"])
    card, end = first_card(["make", "demo"])
    late = card > FIRST_CARD_SECONDS
    table.add("first card of `make demo`", f"{card:.0f}", str(FIRST_CARD_SECONDS), exceeded=late)
    table.add("its end", f"{end:.0f}", "")
    yield table


def first_card(command: list[str]) -> tuple[float, float]:
    """Seconds from a clone until ``command``, run in it, prints a card; and until it ends."""
    environment = {**os.environ, "UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        began, card = time.perf_counter(), 0.0
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as demo:
            assert demo.stdout
            for line in demo.stdout:
                if CARD in line and not card:
                    card = time.perf_counter() - began
        if demo.returncode or not card:
            raise RuntimeError(f"{command} in a fresh clone: {demo.returncode}, card {card:.1f} s")
        return card, time.perf_counter() - began
