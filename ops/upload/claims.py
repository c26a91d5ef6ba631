"""What is recorded with an upload of where it comes from: given, of the build, or of Git."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from domain import origin
from domain.email_address import address
from domain.origin import Origin
from domain.sanitize import line
from ops.errors import CommandError
from ops.invocation import CHATOPS
from ops.upload import build_variables
from ops.upload.build_variables import Build, web_url
from ops.upload.source import Source

# Bytes of all names and values
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
MOST_BYTES = 2048
UPLOADER = "uploader"


@dataclass(frozen=True, kw_only=True)
class OriginOptions:
    """What a person or build server gives instead of what is read."""

    repository: Annotated[
        str, typer.Option(help="Where the code is, an https URL; default: of the build or of Git.")
    ] = ""
    commit: Annotated[str, typer.Option(help="Its commit.")] = ""
    branch: Annotated[str, typer.Option(help="Its branch.")] = ""
    pull_request: Annotated[str, typer.Option(help="Number of its pull request.")] = ""
    author: Annotated[str, typer.Option(help="Who wrote it.")] = ""
    build_url: Annotated[str, typer.Option(help="The build's page, an https URL.")] = ""
    uploader: Annotated[
        str, typer.Option(help="Address that gets the emails about this upload.")
    ] = ""


def metadata(
    options: OriginOptions, source: Source, variables: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the metadata of the upload, as much as S3 takes.

    Raises:
        CommandError: an option has no valid value.
    """
    build = build_variables.read(variables)
    known = _of_work_tree(source, build) if source.tree else build.origin if build else Origin()
    given = {field: _valid(field, getattr(options, field)) for field in Origin._fields}
    merged = Origin(**{field: given[field] or value for field, value in known._asdict().items()})
    uploader = _uploader(options, source, build)
    return _fitting({**({UPLOADER: uploader} if uploader else {}), **origin.metadata(merged)})


def _valid(field: str, value: str) -> str:
    valid = origin.valid(field, value)
    if value and not valid:
        option = f"--{field.replace('_', '-')}"
        raise CommandError(
            f"{option} has an invalid value: {line(value, 100)}",
            f"see {CHATOPS} upload --help; addresses begin with https:// and have no user or "
            "password",
        )
    return valid


def _of_work_tree(source: Source, build: Build | None) -> Origin:
    """What Git knows, or the build if that is about the commit that is checked out."""
    tree = source.tree
    assert tree
    commit = tree.commit
    if build and commit and commit in (build.built, build.origin.commit):
        # A tree with changes is no commit.
        return build.origin if source.commit else build.origin._replace(commit="", author="")
    author = tree.author if source.commit else ""
    values = {"commit": source.commit, "branch": tree.branch, "author": author}
    known = {field: origin.valid(field, value) for field, value in values.items()}
    build_url = build.origin.build_url if build else ""
    return Origin(repository=web_url(tree.origin), build_url=build_url, **known)


def _uploader(options: OriginOptions, source: Source, build: Build | None) -> str:
    if options.uploader:
        if not (given := address(options.uploader)):
            raise CommandError(
                f"--uploader is no email address: {line(options.uploader, 100)}",
                "give one, as in ada@example.com",
            )
        return given
    if build:
        return build.starter or _author_address(source)
    return address(source.tree.email) if source.tree else ""


def _author_address(source: Source) -> str:
    """The address of the author of the commit; a build server has none of its own."""
    if source.tree is None or not source.commit:
        return ""
    return address(source.tree.author.rpartition("<")[2].removesuffix(">"))


def _fitting(wanted: Mapping[str, str]) -> dict[str, str]:
    """The first of ``wanted`` that fit; what is cut could lead elsewhere."""
    fitting: dict[str, str] = {}
    room = MOST_BYTES
    for name, value in wanted.items():
        if len(name) + len(value) <= room:
            room -= len(name) + len(value)
            fitting[name] = value
    return fitting
