"""make security: policies, state machine, secrets, vulnerable dependencies, workflows.

The tools are in ``.venv-security``. What could not be checked is reported as NOT CHECKED, and each
tool must first find a planted fault.
"""

import copy
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ops.configuration import configuration
from ops.program import PROGRAM, record_program
from security.definitions import definitions
from security.plan import plan
from security.unusable import Unusable

TOOLS = PROGRAM / ".venv-security" / "bin"
ACCEPTED = Path(__file__).parent / "accepted.toml"
SCAN_LOCKS = sorted((PROGRAM / "scan").rglob("requirements.txt"))
LOCKS = (
    "requirements.lock",
    *(str(lock.relative_to(PROGRAM)) for lock in SCAN_LOCKS),
    "security/requirements.lock",
)
# Without these every bucket is open, and Checkov must say so.
LOCKING = {"aws_s3_bucket_public_access_block", "aws_s3_bucket_versioning"}
OPEN = {"CKV2_AWS_6", "CKV_AWS_21"}
# Put together here, so that the scan of this file does not find it.
PLANTED = 'aws_secret_access_key = "' + "wJalrXUtnFEMI/K7MDENG/bPxRfi" + 'CYzTqWnBvGhL"\n'

# Runs a stranger's title as a command, and names a key that there is not.
PLANTED_WORKFLOW = """\
on: pull_request_target
jobs:
  planted:
    runs-on: ubuntu-24.04
    step: []
    steps: [{run: "echo ${{ github.event.pull_request.title }}"}]
"""

# The check's id, what fails it, and the check's name or the line.
Failure = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One reason of ``accepted.toml``."""

    check: str
    on: tuple[str, ...]
    reason: str

    @property
    def is_of_files(self) -> bool:
        """Whether it is about what looks like a secret."""
        return self.check.startswith("CKV_SECRET")

    def covers(self, failure: Failure) -> bool:
        """Whether this is the reason to leave the failure so."""
        check, resource, _ = failure
        return check == self.check and any(fnmatchcase(resource, name) for name in self.on)


def accepted(text: str) -> list[Entry]:
    """The entries of ``accepted.toml``; each has a reason."""
    entries = [
        Entry(check=entry["check"], on=tuple(entry["on"]), reason=entry["reason"].strip())
        for entry in tomllib.loads(text)["accepted"]
    ]
    assert all(entry.reason for entry in entries)
    return entries


def unaccepted(failures: Iterable[Failure], entries: Iterable[Entry]) -> list[str]:
    """What is wrong: failures that no entry covers, and entries that cover nothing."""
    results, known = list(failures), list(entries)
    return [
        *(
            f"{check} {resource}: {name}"
            for check, resource, name in results
            if not any(item.covers((check, resource, name)) for item in known)
        ),
        *(
            f"accepted.toml: nothing fails {item.check} on {', '.join(item.on)} any more"
            for item in known
            if not any(item.covers(failure) for failure in results)
        ),
    ]


def policies() -> Iterator[str]:
    """Checkov on the program as both environments register it."""
    failures: set[Failure] = set()
    for stack in ("dev", "prod"):
        its = configuration(stack, PROGRAM / f"Pulumi.{stack}.yaml").sound
        rendered = plan(record_program(stack, its.values).aws)
        failures |= _checked(rendered)
        spoiled = {check for check, _, _ in _checked(_spoiled(rendered))}
        if not spoiled >= OPEN:
            raise Unusable(f"Checkov does not find {', '.join(OPEN - spoiled)} in an open bucket")
    known = accepted(ACCEPTED.read_text())
    yield from unaccepted(sorted(failures), [item for item in known if not item.is_of_files])


def secrets() -> Iterator[str]:
    """Checkov's scan for secrets, of the files that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROGRAM, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    files = [item for item in listed if item and (PROGRAM / item).is_file()]
    with tempfile.TemporaryDirectory() as folder:
        planted = Path(folder) / "planted.py"
        planted.write_text(PLANTED)
        if not _checkov("secrets", ["--file", str(planted)]):
            raise Unusable("Checkov does not find a secret that was planted")
    failures = [
        (row["check_id"], row["file_path"].lstrip("/"), f"line {row['file_line_range'][0]}")
        for row in _checkov("secrets", ["--file", *files])
    ]
    known = accepted(ACCEPTED.read_text())
    yield from unaccepted(failures, [item for item in known if item.is_of_files])


def dependencies() -> Iterator[str]:
    """pip-audit on every lock; it asks PyPI's API for advisories, which a mirror may not have."""
    for lock in LOCKS:
        command = ["pip-audit", "--disable-pip", "--require-hashes", "--format", "json", "-r", lock]
        result = _ran(*command)
        if not result.stdout.startswith("{"):
            raise Unusable(f"pip-audit: {result.stderr.strip().splitlines()[-1:]}")
        rows = json.loads(result.stdout)["dependencies"]
        skipped = [row["name"] for row in rows if "skip_reason" in row]
        if skipped:
            raise Unusable(
                f"the package index here tells no advisories for {len(skipped)} of {len(rows)} "
                f"packages of {lock}; run this where PyPI itself is reachable"
            )
        for row in rows:
            for hole in row["vulns"]:
                fixed_in = ", ".join(hole["fix_versions"]) or "no version yet"
                yield f"{lock}: {row['name']} {row['version']}: {hole['id']}, fixed in {fixed_in}"


def workflows() -> Iterator[str]:
    """Actionlint on the workflows, zizmor on all that GitHub reads in ``.github``."""
    if not (TOOLS / "actionlint").is_file():
        raise Unusable("there is no actionlint, which needs Go: install it, then make clean")
    with tempfile.TemporaryDirectory() as folder:
        planted = Path(folder) / "planted.yml"
        planted.write_text(PLANTED_WORKFLOW)
        for tool in (_zizmor, _actionlint):
            if not list(tool(planted)):
                raise Unusable(f"{tool.__name__[1:]} does not find what was planted")
    yield from _zizmor(PROGRAM / ".github")
    for path in sorted((PROGRAM / ".github" / "workflows").iterdir()):
        yield from _actionlint(path)


def _zizmor(path: Path) -> Iterator[str]:
    result = _ran("zizmor", "--offline", "--no-progress", "--format", "json", str(path))
    try:
        rows = json.loads(result.stdout)
    except ValueError as error:
        raise Unusable(f"zizmor: {result.stderr.strip()[-300:]}") from error
    for row in rows:
        place = row["locations"][0]["symbolic"]["key"]["Local"]["verbatim_path"]
        yield f"{Path(place).name}: {row['ident']}: {row['desc']}"


def _actionlint(path: Path) -> Iterator[str]:
    result = _ran("actionlint", "-no-color", "-oneline", str(path))
    # 1 has findings, 0 has none.
    if result.returncode > 1:
        raise Unusable(f"actionlint: {result.stderr.strip()[-300:]}")
    yield from result.stdout.splitlines()


def _checked(rendered: dict[str, Any]) -> set[Failure]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(rendered))
        rows = _checkov("terraform_plan", ["--file", str(file)])
    return {(row["check_id"], row["resource"], row["check_name"]) for row in rows}


def _spoiled(rendered: dict[str, Any]) -> dict[str, Any]:
    """The plan without what locks its buckets."""
    spoiled = copy.deepcopy(rendered)
    for holder in (
        spoiled["planned_values"]["root_module"],
        spoiled["configuration"]["root_module"],
    ):
        holder["resources"] = [
            resource for resource in holder["resources"] if resource["type"] not in LOCKING
        ]
    spoiled["resource_changes"] = [
        resource_change
        for resource_change in spoiled["resource_changes"]
        if resource_change["type"] not in LOCKING
    ]
    return spoiled


def _checkov(framework: str, arguments: list[str]) -> list[dict[str, Any]]:
    """The failed checks."""
    result = _ran(
        "checkov",
        "--framework",
        framework,
        "--output",
        "json",
        "--compact",
        "--quiet",
        "--skip-download",
        *arguments,
    )
    try:
        results = json.loads(result.stdout)
    except ValueError as error:
        raise Unusable(f"Checkov: {result.stderr.strip()[-300:]}") from error
    if results.get("results", {}).get("parsing_errors"):
        raise Unusable(f"Checkov can't read {results['results']['parsing_errors']}")
    return results.get("results", {}).get("failed_checks", [])


def _ran(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TOOLS / tool), *arguments], cwd=PROGRAM, capture_output=True, text=True, check=False
    )


def main(
    looks: Iterable[Callable[[], Iterator[str]]] = (
        policies,
        definitions,
        secrets,
        dependencies,
        workflows,
    ),
) -> int:
    """Run all checks; 1 if there are findings."""
    code = 0
    for look in looks:
        try:
            results = list(look())
        except Unusable as unusable:
            print(f"? {look.__name__}: NOT CHECKED: {unusable}")
            continue
        print(
            f"{'✘' if results else '✔'} {look.__name__}"
            + "".join(f"\n    {result}" for result in results)
        )
        code = max(code, bool(results))
    return code


if __name__ == "__main__":
    sys.exit(main())
