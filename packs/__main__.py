"""Makes the packs that the stacks of this project need, and those of the demo.

``make setup`` runs it. ``python -m packs semgrep`` makes that of one scanner.
"""

import argparse
import datetime
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from packs import store
from packs.errors import PackError
from packs.platforms import ARCHITECTURES, HERE, Platform, of_builds, of_this_machine
from packs.store import OWN, Pack, of

PROGRAM = Path(__file__).parent.parent
# For the demo, and for builds where a stack names no other scanners.
DEFAULT = ("bandit", "ruff", "sonarqube")
# Of what is known about vulnerabilities; `make setup` says what is older.
MOST_DAYS = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is missing, by default what ``needed`` says; 1 if something cannot be fetched."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("names", nargs="*", help="scanners; by default those of the stacks here")
    parser.add_argument("--for", dest="platform", choices=[HERE, *ARCHITECTURES], default=HERE)
    options = parser.parse_args(arguments)
    platform = of_this_machine() if options.platform == HERE else of_builds(options.platform)
    packs = list(_of(options.names, platform)) if options.names else needed(PROGRAM)
    if unknown := [pack.name for pack in packs if not pack.is_needed]:
        print(f"There is nothing to fetch for {', '.join(unknown)}.", file=sys.stderr)
        return 2
    missing = [pack for pack in packs if not pack.path.is_file()]
    for number, pack in enumerate(missing, 1):
        print(f"Fetching {pack.name} for {pack.platform.name} ({number} of {len(missing)}) ...")
        try:
            pack.make()
        except PackError as error:
            print(f"{error}\nThen: make setup", file=sys.stderr)
            return 1
    store.remove_unused()
    today = datetime.datetime.now(datetime.UTC).date()
    for warning in sorted({warning for pack in packs if (warning := old(pack, today))}):
        print(warning)
    return 0


def old(pack: Pack, today: datetime.date) -> str:
    """What to say where the advisories of a scanner are old, else an empty text."""
    age = (today - pack.day).days if pack.day else 0
    if age <= MOST_DAYS:
        return ""
    lock = pack.folder.relative_to(PROGRAM) / "go.mod"
    return f"The advisories of {pack.name} are {age} days old; {lock} has their version."


def needed(program: Path) -> list[Pack]:
    """The packs that the stack files in the folder ``program`` name, and those of the demo."""
    packs = [*_of(DEFAULT, of_this_machine()), *_of(DEFAULT, of_builds("x86_64"))]
    for path in sorted(program.glob("Pulumi.*.yaml")):
        packs += _of_stack(path)
    return list(dict.fromkeys(packs))


def _of_stack(path: Path) -> Iterator[Pack]:
    settings = _settings(path)
    names = settings.get("chatops-slack:scanners") or ["sonarqube"]
    architecture = settings.get("chatops-slack:architecture") or "x86_64"
    custom = settings.get("chatops-slack:customScanner")
    folder = custom.get("folder") if isinstance(custom, dict) else None
    # What is wrong with a setting, `pulumi up` says.
    if isinstance(names, list) and architecture in ARCHITECTURES:
        custom = path.parent / str(folder) if folder else None
        packs = _of(map(str, names), of_builds(architecture), custom)
        yield from (pack for pack in packs if pack.is_needed)


def _settings(path: Path) -> Mapping[str, Any]:
    """The settings of a stack file; none where Pulumi will refuse the file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    settings = document.get("config") if isinstance(document, dict) else None
    return settings if isinstance(settings, dict) else {}


def _of(names: Any, platform: Platform, custom: Path | None = None) -> Iterator[Pack]:
    for name in (OWN, *names):
        yield of(name, platform, custom)


if __name__ == "__main__":
    sys.exit(main())
