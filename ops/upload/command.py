"""upload: packs code, sends it to an environment, and follows its scan."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from domain.sanitize import line
from domain.scan_id import app_of
from domain.stored_objects import error_code
from ops import errors, follow, output, stack
from ops.errors import CommandError
from ops.evidence import checked_app
from ops.follow import TimeoutOption, WaitFor
from ops.formats import Format, ResultOptions, check
from ops.option_groups import grouped
from ops.upload import claims
from ops.upload.packing import pack
from ops.upload.progress import progress
from ops.upload.reports import Report, add, reading
from ops.upload.source import Source, read, unreadable
from ops.upload.transfer import Zip, send
from ops.upload.unfinished import Destination
from ops.upload.uploaded import Uploaded, document, show

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MOST_KEY_BYTES = 1024


def _wait_for(value: str) -> WaitFor:
    try:
        return WaitFor(value or WaitFor.gate)
    except ValueError as error:
        raise typer.BadParameter(f"{value} is neither gate nor decision") from error


@dataclass(frozen=True, kw_only=True)
class FollowOptions:
    """Whether the scan is followed, and for how long."""

    wait: Annotated[
        WaitFor | None,
        typer.Option(
            parser=_wait_for,
            metavar="[=decision]",
            help="Follow the scan until its gate's result; =decision until people have decided.",
        ),
    ] = None
    timeout: TimeoutOption = None

    def check(self, results: ResultOptions) -> None:
        """Raise ``CommandError`` if an option has no effect, no valid value, or no file."""
        follow.seconds(self.timeout)
        to_files = results.sarif or results.junit or results.format != Format.text
        needless = self.timeout or to_files
        if needless and self.wait is None:
            raise CommandError(
                "--timeout, --format, --sarif and --junit are for a scan that is followed",
                "add --wait, or leave them out",
            )
        check(results)


@grouped
def upload(
    *,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Zip, folder or Git work tree.")],
    app: Annotated[str, typer.Option(help="App, the first part of the key.")],
    key: Annotated[
        str | None, typer.Option(help="Key of the upload; default: APP/<name of PATH>.zip.")
    ] = None,
    dirty: Annotated[
        bool,
        typer.Option("--dirty", help="Of a work tree what is on disk and not ignored, not HEAD."),
    ] = False,
    following: FollowOptions,
    results: ResultOptions,
    origin: claims.OriginOptions,
    reports: Annotated[
        list[Path] | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="SARIF of a tool that ran elsewhere; its findings are added to the scan's.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Upload a zip, a folder or a Git work tree, and follow its scan.

    A zip is uploaded as it is, a folder without .git and node_modules, of a Git work tree what
    `git archive HEAD` has; with --report a copy that has the reports, too. Run again after an
    interruption, it continues. Where the code comes from is read from the build server's variables
    and from Git.

    Exit codes with --wait are those of wait.

    Example: chatops upload . --app payments
    """
    following.check(results)
    key = _key(app, key, path)
    source = read(path, dirty)
    added = reading(reports or ())
    metadata = claims.metadata(origin, source)
    for notice in source.notices:
        output.say(notice, "yellow")
    environment = stack.load(stack_name, outputs)
    quiet = quiet or results.json
    uploaded = _upload(environment, source, added, key, metadata, quiet=quiet)
    if following.wait is None and results.json:
        output.as_json(document(environment, uploaded))
    if not results.json:
        show(environment, uploaded)
    if following.wait is not None:
        code = _follow(environment, uploaded, following, results)
        if code:
            raise typer.Exit(code)


def _follow(
    environment: stack.Stack, uploaded: Uploaded, following: FollowOptions, results: ResultOptions
) -> int:
    assert following.wait
    target = follow.Target(
        scan=uploaded.scan,
        key=uploaded.key,
        wait_for=following.wait,
        timeout=follow.seconds(following.timeout),
    )
    about = document(environment, uploaded)
    return follow.finish(environment, target, results, about)


def _key(app: str, key: str | None, path: Path) -> str:
    checked_app(app)
    if key is None:
        # Of `.` and `..` the folder's own name.
        name = (path.resolve().name or path.name).removesuffix(".zip")
        return f"{app}/{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('._-')[:100] or app}.zip"
    if not key.endswith(".zip"):
        raise CommandError(
            f"{line(key, 200)} would not be scanned: it does not end in .zip",
            f"for example --key {app}/api.zip",
        )
    if len(key.encode(errors="replace")) > MOST_KEY_BYTES or line(key, MOST_KEY_BYTES) != key:
        raise CommandError(
            f"{line(key, 200)} is no key: it is too long, or has characters that are not printed",
            f"for example --key {app}/api.zip",
        )
    if app_of(key) != app:
        raise CommandError(
            f"{line(key, 200)} is a key of another app: {app_of(key)}",
            f"keys of {app} are {app}.zip and {app}/<name>.zip",
        )
    return key


def _upload(
    environment: stack.Stack,
    source: Source,
    reports: Sequence[Report],
    key: str,
    metadata: dict[str, str],
    *,
    quiet: bool,
) -> Uploaded:
    destination = Destination(bucket=environment["uploadBucket"], key=key, metadata=metadata)
    with _opened(source, reports) as archive:
        size = archive.measured.size
        with _explained(destination), progress(size, quiet) as advance:
            version = send(environment.client("s3"), archive, destination, advance)
    sha256 = archive.measured.sha256
    return Uploaded(key=key, version=version, sha256=sha256, size=size, metadata=metadata)


@contextmanager
def _opened(source: Source, reports: Sequence[Report]) -> Iterator[Zip]:
    """The zip of ``source``; one that is packed is removed at the end, also after a crash."""
    try:
        is_as_it_is = source.entries is None and not reports
        file = source.path.open("rb") if is_as_it_is else tempfile.TemporaryFile()  # noqa: SIM115
    except OSError as error:
        raise unreadable(error, source.path) from error
    with file:
        if source.entries is not None:
            pack(source, file)
        if reports:
            add(reports, source, file)
        try:
            archive = Zip(file, str(source.path))
        except OSError as error:
            raise unreadable(error, source.path) from error
        yield archive


@contextmanager
def _explained(to: Destination) -> Iterator[None]:
    """Give errors of the transfer a sentence and a fix."""
    again = "run the same command again; of a large zip it sends what is missing"
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError("the upload was interrupted", again, code=130) from None
    except ClientError as error:
        code = error_code(error)
        app = app_of(to.key)
        if code in errors.RIGHTS:
            raise CommandError(
                f"you may not upload to {to.bucket}/{to.key}: {errors.of_aws(error).what}",
                f"have your role named in the setting uploaders for {app}, or set AWS_PROFILE",
            ) from error
        if code == "NoSuchBucket":
            raise CommandError(
                f"the bucket {to.bucket} does not exist",
                "is this the right environment? It may have been removed or made again",
            ) from error
        raise
    except BotoCoreError as error:
        failure = errors.of_aws(error)
        raise CommandError(failure.what, f"{failure.fix}; {again}") from error
