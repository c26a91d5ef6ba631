"""fetch: downloads the newest version of an app that may be deployed."""

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError

from ops import shown, stack
from ops.choice import NEWEST, TOLD, Looked, choose, named
from ops.problem import Problem

CHUNK = 1024 * 1024


def fetch(
    app: Annotated[str, typer.Argument(metavar="APP", help="App, the first part of the key.")],
    key: Annotated[str | None, typer.Option(help="Only this key of the app.")] = None,
    version: Annotated[str | None, typer.Option(help="This version, and no other.")] = None,
    newest: Annotated[
        int, typer.Option(min=1, help="Look at so many versions, the newest.")
    ] = NEWEST,
    to: Annotated[Path, typer.Option(help="File or folder to write.")] = Path(),
    json: shown.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Download the newest version of APP that passed or was approved.

    Newer versions that may not be deployed are named, and why. Exit code 1: there is none.

    Example: python -m ops fetch payments --to payments.zip --outputs outputs.json
    """
    environment = stack.load(stack_name, outputs)
    chosen, newer = choose(environment, app, key, version, newest)
    for each in newer[:TOLD]:
        shown.say(f"newer, but not cleared: {named(each.upload)}: {each.why}", "yellow")
    if len(newer) > TOLD:
        shown.say(f"and {shown.counted(len(newer) - TOLD, 'more version')}", "yellow")
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
                    {
                        "key": each.upload.key,
                        "version": each.upload.version,
                        "status": each.status,
                        "why": each.why,
                    }
                    for each in newer
                ],
            }
        )
    else:
        shown.say(f"✔ {named(chosen.upload)}: {chosen.why}", "green")
        print(target)


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
