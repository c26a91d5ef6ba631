"""The whole pipeline on this machine: from upload to card, and what people wait for."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.pairs import Section, seconds
from local.cloud import Cloud
from local.demo import spent
from samples import SAMPLES, packed

ROOT = Path(__file__).parent.parent
TESTS = ["-m", "pytest", "--numprocesses", "2", "--dist", "loadfile", "-m", "not sonarqube"]
SLOWEST = 10
CARD = "quality gate failed"


def from_upload_to_card(uploads: int) -> Section:
    """The sample that fails its gate, uploaded again and again into one account."""
    section = Section(
        "From upload to card on this machine", ["", "first, all cold", "others: least", "median"]
    )
    began = time.monotonic()
    with Cloud() as cloud:
        deployed = time.monotonic() - began
        found = [way(cloud, number) for number in range(uploads + 1)]
    for part, first in found[0].items():
        others = [each[part] for each in found[1:]]
        section.rows.append(
            [part, seconds(first), seconds(min(others)), seconds(statistics.median(others))]
        )
    section.notes.append(
        f"Deployed in {deployed:.1f} s. AWS adds 20 to 60 s until a build's machine is there."
    )
    return section


def way(cloud: Cloud, number: int) -> dict[str, float]:
    """Seconds from an upload to its card, by part."""
    began = time.time()
    scan = cloud.upload(f"app-{number}/api.zip", packed(SAMPLES / "payments"))
    execution = cloud.execution(scan)
    card = cloud.channel.wait(lambda each: each.thread == scan)
    cloud.reached(execution, "AwaitDecision")
    return spent(cloud, scan, execution, card.received - began)


def commands() -> Section:
    """`make demo` in a fresh clone and here, `make test`, and the slowest tests."""
    section = Section("What people wait for", ["", "seconds"])
    card, clone = newcomer()
    demo, _ = timed(["-m", "local.demo"])
    test, output = timed([*TESTS, f"--durations={SLOWEST}"])
    section.rows += [
        ["from `git clone` to the first card of `make demo`", f"{card:.0f}"],
        ["from `git clone` to its end", f"{clone:.0f}"],
        ["`make demo`, once set up", f"{demo:.0f}"],
        ["`make test`, once set up", f"{test:.0f}"],
    ]
    section.rows += [[f"there: `{name}`", f"{took:.0f}"] for name, took in slowest(output)]
    return section


def newcomer() -> tuple[float, float]:
    """Seconds from `git clone` to the first card and to the end; nothing is in a cache."""
    fresh = {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1", "VERDICT": "Approve"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        began, card = time.perf_counter(), 0.0
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        with subprocess.Popen(
            ["make", "demo"],
            cwd=folder,
            env={**os.environ, **fresh},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as demo:
            assert demo.stdout
            for line in demo.stdout:
                if CARD in line and not card:
                    card = time.perf_counter() - began
        if demo.returncode or not card:
            raise RuntimeError(f"make demo in a fresh clone: {demo.returncode}, card {card:.1f} s")
        return card, time.perf_counter() - began


def slowest(output: str) -> list[tuple[str, float]]:
    """What pytest says that took longest: (test, seconds), set-up apart."""
    found = re.findall(r"^([\d.]+)s (call|setup|teardown) +(.*)$", output, re.M)
    return [
        (name if step == "call" else f"{step} of {name}", float(took)) for took, step, name in found
    ]


def timed(arguments: list[str]) -> tuple[float, str]:
    """Seconds that Python takes with these arguments, and what it prints."""
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "VERDICT": "Approve"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {ran.stdout[-1000:]}")
    return time.perf_counter() - began, ran.stdout
