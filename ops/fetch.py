"""fetch: downloads the newest version of an app that may be deployed."""

import hashlib
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError

from ops import follow, output, stack, uploads
from ops.choice import MAX_EXPLAINED, NEWEST, Inspection, choose, named
from ops.errors import CommandError
from ops.formats import files

CHUNK = 1024 * 1024


def fetch(
    app: Annotated[str, typer.Argument(metavar="APP", help="App, the first part of the key.")],
    key: Annotated[str | None, typer.Option(help="Only this key of the app.")] = None,
    version: Annotated[str | None, typer.Option(help="This version, and no other.")] = None,
    newest: Annotated[
        int, typer.Option(min=1, help="Look at so many versions, the newest.")
    ] = NEWEST,
    to: Annotated[Path, typer.Option(help="File or folder to write.")] = Path(),
    wait: Annotated[
        bool, typer.Option("--wait", help="First wait until the newest upload is decided.")
    ] = False,
    timeout: follow.TimeoutOption = None,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Download the newest version of APP that passed or was approved.

    Newer versions that may not be deployed are named, and why. Exit code 1: there is none.
    With --wait, 2: the newest was not decided in time, and nothing is downloaded.

    Example: chatops fetch payments --to payments.zip --outputs outputs.json
    """
    seconds = follow.seconds(timeout)
    if timeout and not wait:
        raise CommandError("--timeout is for waiting", "add --wait")
    if not to.is_dir():
        files.check(to)
    environment = stack.load(stack_name, outputs)
    if wait:
        _await_decision(environment, app, key, version, seconds)
    selected, newer = choose(environment, app, key, version, newest)
    for inspection in newer[:MAX_EXPLAINED]:
        output.say(
            f"newer, but not cleared: {named(inspection.upload)}: {inspection.why}", "yellow"
        )
    if len(newer) > MAX_EXPLAINED:
        output.say(f"and {output.counted(len(newer) - MAX_EXPLAINED, 'more version')}", "yellow")
    target = to / selected.upload.key.rpartition("/")[2] if to.is_dir() else to
    sha256 = download(environment, selected, target)
    if json:
        output.as_json(
            {
                "app": app,
                "key": selected.upload.key,
                "version": selected.upload.version,
                "status": selected.status,
                "why": selected.why,
                "sha256": sha256,
                "file": str(target),
                "newer": [
                    {
                        "key": inspection.upload.key,
                        "version": inspection.upload.version,
                        "status": inspection.status,
                        "why": inspection.why,
                    }
                    for inspection in newer
                ],
            }
        )
    else:
        output.say(f"✔ {named(selected.upload)}: {selected.why}", "green")
        print(target)


def _await_decision(
    environment: stack.Stack,
    app: str,
    key: str | None,
    version: str | None,
    seconds: int | None,
) -> None:
    """Wait until the newest version, or the given one, has passed or is decided.

    Raises:
        typer.Exit: it is not decided in time, or its evidence contradicts its status.
    """
    started, followed = time.monotonic(), ""
    while True:
        candidates = [
            upload
            for upload in uploads.of_app(environment, app, key)
            if not upload.deleted and version in (None, upload.version)
        ]
        if not candidates or candidates[0].version == followed:
            return
        # Meanwhile another one may be uploaded, which supersedes this one's request.
        followed = candidates[0].version
        left = None if seconds is None else max(1, seconds - int(time.monotonic() - started))
        target = follow.Target(
            scan=f"{app}/{followed}",
            key=candidates[0].key,
            wait_for=follow.WaitFor.decision,
            timeout=left,
        )
        result, _ = follow.until(environment, target)
        if result.status in ("timed-out", "interrupted", "contradictory"):
            output.say(f"✘ {result.sentence}", "red")
            output.say("  nothing was fetched")
            raise typer.Exit(result.exit_code)


def download(environment: stack.Stack, selected: Inspection, target: Path) -> str:
    """Write the version to ``target``, completely or not at all; return its SHA-256."""
    body = environment.client("s3").get_object(
        Bucket=environment["uploadBucket"],
        Key=selected.upload.key,
        VersionId=selected.upload.version,
    )["Body"]
    sha256 = hashlib.sha256()
    try:
        # In the same folder as the target, so that it can be renamed atomically.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            partial = Path(folder) / target.name
            with partial.open("wb") as file:
                for chunk in body.iter_chunks(CHUNK):
                    sha256.update(chunk)
                    file.write(chunk)
            if selected.sha256 and sha256.hexdigest() != selected.sha256:
                raise CommandError(
                    f"{named(selected.upload)} is not what was scanned: its SHA-256 is "
                    f"{sha256.hexdigest()}, the report says {selected.sha256}",
                    "do not deploy it; report it to the owner of the evidence",
                    code=1,
                )
            partial.replace(target)
    except BotoCoreError:
        raise  # some of them are OSErrors
    except OSError as error:
        raise CommandError(
            f"{target} cannot be written: {error}", "give another file: --to"
        ) from error
    return sha256.hexdigest()
