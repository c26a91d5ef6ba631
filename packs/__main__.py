"""Makes the packs that the stacks of this project need, and those of the demo.

``make setup`` runs it. ``python -m packs semgrep`` makes those of one scanner.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from packs.platforms import Platform, of_builds, of_this_machine
from packs.store import OWN, PackError, lock_of, make, path_of

PROGRAM = Path(__file__).parent.parent
# For the demo, and for builds where a stack names no other scanners.
DEFAULT = ("bandit", "ruff", "sonarqube")
ARCHITECTURES = ("x86_64", "arm64")


class Needed(NamedTuple):
    """A pack that somebody needs."""

    name: str
    lock: Path
    platform: Platform


def main(names: Sequence[str] = ()) -> int:
    """Make what is missing, by default what ``needed`` says; 1 if something cannot be fetched.

    The packs of ``names`` are made for builds of both architectures.
    """
    if unknown := [name for name in names if not lock_of(name).is_file()]:
        print(f"There is nothing to fetch for {', '.join(unknown)}.", file=sys.stderr)
        return 2
    packs = needed(PROGRAM)
    if names:
        packs = [pack for machine in ARCHITECTURES for pack in _of(names, of_builds(machine))]
    missing = [pack for pack in packs if not path_of(*pack).is_file()]
    for number, pack in enumerate(missing, 1):
        print(f"Fetching {pack.name} for {pack.platform.name} ({number} of {len(missing)}) ...")
        try:
            make(*pack)
        except PackError as error:
            print(f"{error}\nThen: make setup", file=sys.stderr)
            return 1
    return 0


def needed(program: Path) -> list[Needed]:
    """The packs that the stack files in the folder ``program`` name, and those of the demo."""
    packs = [*_of(DEFAULT, of_this_machine()), *_of(DEFAULT, of_builds("x86_64"))]
    for path in sorted(program.glob("Pulumi.*.yaml")):
        packs += _of_stack(path)
    return list(dict.fromkeys(packs))


def _of_stack(path: Path) -> Iterator[Needed]:
    document = yaml.safe_load(path.read_text()) or {}
    settings: Mapping[str, Any] = document.get("config") or {}
    names = settings.get("chatops-slack:scanners") or ["sonarqube"]
    architecture = settings.get("chatops-slack:architecture") or "x86_64"
    # What is wrong with a setting, `pulumi up` says.
    if isinstance(names, list) and architecture in ARCHITECTURES:
        known = [str(name) for name in names if lock_of(str(name)).is_file()]
        yield from _of(known, of_builds(architecture))


def _of(names: Any, platform: Platform) -> Iterator[Needed]:
    for name in (OWN, *names):
        yield Needed(name, lock_of(name), platform)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
