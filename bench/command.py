"""Time until the installed command prints its help."""

import statistics
import subprocess
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.comparison import Table, alternate, seconds
from tests.support.wheel import build_wheel, unpack

HELP_SECONDS = 0.4
TURNS = 15


def tables(quick: bool) -> Iterator[Table]:
    """The wheel in an environment of its own, whose dependencies come from this one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        python = _environment(Path(folder))
        chatops = [python, "-c", "from chatops_slack.ops.__main__ import main; main()"]
        commands = {
            "`chatops --help`": [*chatops, "--help"],
            "`chatops upload --help`": [*chatops, "upload", "--help"],
            "importing Typer": [python, "-c", "import typer"],
        }
        measures = [lambda command=command: _seconds(command) for command in commands.values()]
        alternate(1, *measures)  # compiles the modules
        results = alternate(1 if quick else TURNS, *measures)
    table = Table("The installed command", ["", "median", "fastest", "limit"])
    for name, taken in zip(commands, results, strict=True):
        limited = name == "`chatops --help`"
        table.add(
            name,
            seconds(statistics.median(taken)),
            seconds(min(taken)),
            seconds(HELP_SECONDS) if limited else "",
            exceeded=limited and min(taken) > HELP_SECONDS,
        )
    yield table


def _environment(folder: Path) -> str:
    """The Python of an environment with the wheel."""
    wheel = build_wheel(folder / "wheel")
    venv.create(folder / "environment", with_pip=False)
    [packages] = (folder / "environment").glob("lib/python*/site-packages")
    unpack(wheel, packages)
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return str(folder / "environment" / "bin" / "python")


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    return time.perf_counter() - began
