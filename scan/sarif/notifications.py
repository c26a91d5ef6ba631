"""What a tool reports about its own run: errors, and files not analysed (3.20, 3.58)."""

from collections.abc import Iterator, Mapping
from typing import Any

from scan.errors import ScanError
from scan.sarif.locations import Locations, at
from scan.sarif.message import message
from scan.sarif.recipes import Recipe
from scan.sarif.rule import component_at, resolved

Json = Mapping[str, Any]
KINDS = ("toolConfigurationNotifications", "toolExecutionNotifications")
UNREAD = "the scanner could not read it"
READ_THE_LOG = "Read the scanner's log; it says what the tool said."


def check_success(run: Json, recipe: Recipe | None) -> None:
    """Check the run's invocations, by which a tool may report that it failed (3.20).

    Raises:
        ScanError: the tool failed, and not only to parse some files.
    """
    name = run["tool"]["driver"]["name"]
    for invocation in run.get("invocations") or []:
        if "processStartFailureMessage" in invocation:
            raise _failed(name, f"did not start: {invocation['processStartFailureMessage']}")
        if "exitSignalName" in invocation or "exitSignalNumber" in invocation:
            signal = invocation.get("exitSignalName") or invocation["exitSignalNumber"]
            raise _failed(name, f"was ended by signal {signal}")
        if invocation.get("executionSuccessful") is False and not _is_partial(
            invocation, run, recipe
        ):
            description = invocation.get("exitCodeDescription") or next(
                (
                    text
                    for notification in _bad(invocation, run, None)
                    if (text := _text(notification, run))
                ),
                "it says that its run was not successful",
            )
            raise _failed(name, str(description))


def problems(
    run: Json, locations: Locations, recipe: Recipe | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Files that the tool could not read, with the reasons; and errors that match no file.

    3.58.6: an error means that the run is not complete.
    """
    unread: dict[str, str] = {}
    incomplete: dict[str, None] = {}
    for invocation in run.get("invocations") or []:
        for notification in _bad(invocation, run, recipe):
            text = _text(notification, run) or UNREAD
            texts = [
                locations.text(location, run)
                for location in notification.get("locations") or []
                if location
            ]
            for named in texts or [""]:
                files = locations.files(named) if named else ()
                unread |= dict.fromkeys(files, text)
                if not files:
                    incomplete[f"{named}: {text}" if named else text] = None
    return unread, tuple(incomplete)


def _bad(invocation: Json, run: Json, recipe: Recipe | None) -> Iterator[Json]:
    levels = {"error", "warning"} if recipe and recipe.warnings else {"error"}
    for kind in KINDS:
        for notification in invocation.get(kind) or []:
            is_unparsed = recipe is not None and _id(notification) in recipe.unparsed
            if is_unparsed or _level(notification, run) in levels:
                yield notification


def _is_partial(invocation: Json, run: Json, recipe: Recipe | None) -> bool:
    """Whether only files that could not be parsed failed: ESLint then reports its run as failed."""
    bad = list(_bad(invocation, run, None))
    return recipe is not None and bool(bad) and all(_id(item) in recipe.unparsed for item in bad)


def _level(notification: Json, run: Json) -> object:
    """The level of a notification, else the default of its descriptor (3.58.6)."""
    if "level" in notification:
        return notification["level"]
    number, index = resolved(notification.get("descriptor") or {}, run, "notifications")
    described = at(component_at(number, run).get("notifications") or [], index) or {}
    return (described.get("defaultConfiguration") or {}).get("level", "warning")


def _text(notification: Json, run: Json) -> str:
    number, index = resolved(notification.get("descriptor") or {}, run, "notifications")
    component = component_at(number, run)
    described = at(component.get("notifications") or [], index) or {}
    return message(
        notification.get("message") or {},
        described.get("messageStrings") or {},
        component.get("globalMessageStrings") or {},
    )


def _id(notification: Json) -> object:
    return (notification.get("descriptor") or {}).get("id")


def _failed(name: object, why: str) -> ScanError:
    return ScanError("ScannerFailed", f"{name}: {' '.join(why.split())}.", READ_THE_LOG)
