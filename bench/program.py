"""The Pulumi program under mocks against Pulumi's own resources, registered one after the other.

Each measurement is a process of its own, this module run as ``ours`` or ``bare``.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pulumi

from bench.pairs import Pair, Section, in_turns
from ops.program import Recorded, record, record_program
from tests.support.recording import told

ROOT = Path(__file__).parent.parent
MODULES = {"lambda": "lambda_"}
MOST = 1.2
FILES = "$files"
# Nobody compiles all modules anew at each start, but some machines set it.
NO_CACHE = "PYTHONDONTWRITEBYTECODE"


def section(pairs: int) -> Section:
    """From the start of Python to the last resource."""
    section = Section("The Pulumi program under mocks against the bare resources")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "resources.json"
        number = _run("record", file)[1]
        ours, bare = in_turns(pairs, lambda: _run("ours", file)[0], lambda: _run("bare", file)[0])
    section.add(Pair(f"{number} resources of `Pulumi.dev.yaml`", ours, bare, MOST))
    return section


def _run(way: str, file: Path) -> tuple[float, int]:
    """Seconds, and how many resources there were."""
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "bench.program", way, file],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != NO_CACHE},
        stdout=subprocess.PIPE,
        check=True,
    )
    return time.perf_counter() - began, int(ran.stdout)


def written(recorded: Recorded) -> str:
    """Kind, name and inputs of each resource in AWS, files by their paths."""
    return json.dumps(
        [(each.kind, each.name, each.inputs) for each in recorded.aws], default=_paths
    )


def _paths(asset: Any) -> Any:
    return {FILES: {name: each.path for name, each in asset.assets.items()}}


def _packed(value: Any) -> Any:
    if not isinstance(value, dict) or FILES not in value:
        return value
    return pulumi.AssetArchive(
        {name: pulumi.FileAsset(path) for name, path in value[FILES].items()}
    )


def bare(file: Path) -> Recorded:
    """Register what ``file`` has, without a component, a policy or a setting."""

    def program() -> None:
        for kind, name, inputs in json.loads(file.read_text()):
            service, noun = re.split(r"[:/]", kind)[1::2]
            module = importlib.import_module(f"pulumi_aws.{MODULES.get(service, service)}")
            properties = {_snake(key): _packed(value) for key, value in inputs.items()}
            getattr(module, noun)(name, **properties)

    return record(program, "dev", {"aws:region": "eu-central-1"})


def _snake(key: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", key)


if __name__ == "__main__":
    way, resources = sys.argv[1], Path(sys.argv[2])
    done = bare(resources) if way == "bare" else record_program("dev", told("dev"))
    if way == "record":
        resources.write_text(written(done))
    print(len(done.aws))
