"""fetch: the newest version of an app that may be deployed, and why a newer one may not."""

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from handlers import moment
from ops import shown, stack, uploads
from ops.evidence import Evidence, Scan
from ops.problem import RIGHTS, Problem, error_code
from ops.uploads import Upload

CHUNK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One version: whether it may be deployed, and why (not); ``sha256`` is of the scanned zip."""

    upload: Upload
    cleared: bool
    status: str | None
    why: str
    sha256: str | None


def fetch(
    app: Annotated[str, typer.Argument(metavar="APP", help="App, the first part of the key.")],
    key: Annotated[str | None, typer.Option(help="Only this key of the app.")] = None,
    version: Annotated[str | None, typer.Option(help="This version, and no other.")] = None,
    to: Annotated[Path, typer.Option(help="File or folder to write.")] = Path("."),
    json: shown.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Download the newest version of APP that passed or was approved.

    Newer versions that may not be deployed are named, and why. Exit code 1: there is none.

    Example: python -m ops fetch payments --to payments.zip --outputs outputs.json
    """
    environment = stack.load(stack_name, outputs)
    chosen, newer = choose(environment, app, key, version)
    for each in newer:
        shown.say(f"newer, but not cleared: {named(each.upload)}: {each.why}", "yellow")
    target = to / chosen.upload.key.rpartition("/")[2] if to.is_dir() else to
    digest = _download(environment, chosen, target)
    if json:
        shown.as_json(
            {
                "app": app,
                "key": chosen.upload.key,
                "version": chosen.upload.version,
                "status": chosen.status,
                "why": chosen.why,
                "sha256": digest,
                "file": str(target),
                "newer": [
                    {"key": each.upload.key, "version": each.upload.version, "why": each.why}
                    for each in newer
                ],
            }
        )
    else:
        shown.say(f"✔ {named(chosen.upload)}: {chosen.why}", "green")
        print(target)


def choose(
    environment: stack.Stack, app: str, key: str | None = None, version: str | None = None
) -> tuple[Looked, list[Looked]]:
    """Return the version to deploy, and the newer ones that may not be.

    Raises:
        Problem: no version, or not the one that was asked for, may be deployed.
    """
    found = uploads.of_app(environment, app, key)
    if version:
        found = [each for each in found if each.version == version]
        if not found:
            raise Problem(f"{app} has no version {version}", "leave --version away", code=1)
    if not found:
        raise Problem(f"nothing was uploaded for app {app}", "check the name: the key's first part")
    evidence = Evidence(environment)
    newer = []
    for upload in found:
        looked = look(environment, evidence, upload)
        if looked.cleared:
            return looked, newer
        newer.append(looked)
    why = "\n".join(f"  {named(each.upload)}: {each.why}" for each in newer[:10])
    raise Problem(
        f"no version of {app} may be deployed:\n{why}",
        "upload a mended version, or ask the channel for an exception",
        code=1,
    )


def look(environment: stack.Stack, evidence: Evidence, upload: Upload) -> Looked:
    """Return what tag and evidence say of ``upload``; less, where the evidence may not be read."""
    status = uploads.status(environment, upload.key, upload.version)
    scan, sha256 = None, None
    try:
        scan = evidence.newest_attempt(upload.app, upload.version)
        sha256 = ((scan.report or {}).get("upload") or {}).get("sha256")
    except ClientError as error:
        if error_code(error) not in RIGHTS:
            raise
    cleared, why = status in uploads.CLEARED, scan.story(status) if scan else str(status)
    if upload.deleted:
        cleared, why = False, "it was deleted"
    elif cleared and scan and _is_over(scan, status):
        cleared, why = False, f"{why}, which is over; its tag is wrong"
    return Looked(upload=upload, cleared=cleared, status=status, why=why, sha256=sha256)


def named(upload: Upload) -> str:
    """The upload in words: key, version and moment."""
    return f"{upload.key}, version {upload.version} of {moment.minute(moment.iso(upload.uploaded))}"


def _is_over(scan: Scan, status: str | None) -> bool:
    until = (scan.decision or {}).get("until")
    return status == "approved" and bool(until) and until <= moment.iso(datetime.now(UTC))


def _download(environment: stack.Stack, chosen: Looked, target: Path) -> str:
    """Write the version to ``target``, whole or not at all; return its SHA-256."""
    body = environment.client("s3").get_object(
        Bucket=environment["uploadBucket"],
        Key=chosen.upload.key,
        VersionId=chosen.upload.version,
    )["Body"]
    digest = hashlib.sha256()
    try:
        # Beside the target, so that the last step is to rename it.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            partial = Path(folder) / target.name
            with partial.open("wb") as file:
                for chunk in body.iter_chunks(CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
            if chosen.sha256 and digest.hexdigest() != chosen.sha256:
                raise Problem(
                    f"{named(chosen.upload)} is not what was scanned: its SHA-256 is "
                    f"{digest.hexdigest()}, the report says {chosen.sha256}",
                    "deploy nothing; tell whoever looks after the evidence",
                    code=1,
                )
            partial.replace(target)
    except BotoCoreError:
        raise  # some of them are OSErrors
    except OSError as error:
        raise Problem(f"{target} cannot be written: {error}", "give another file: --to") from error
    return digest.hexdigest()
