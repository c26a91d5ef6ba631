"""Formats a run for people: one event per line."""

import json
from collections.abc import Iterator
from typing import Any

from tests.simulation import trace
from tests.simulation.trace import Event, Trace, timestamp


def lines(run: Trace) -> Iterator[str]:
    """Yield the settings, then each event with its time and the seconds since the previous one."""
    yield f"settings: {run.settings}"
    before = 0.0
    for event in run.events:
        when = f"{timestamp(event.at):%d %b %H:%M:%S}.{int(event.at % 1 * 1000):03d}"
        yield f"{when} {_after(event.at - before):>9}  {_describe(event)}"
        before = event.at


def _after(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"+{seconds / length:.1f} {unit}"
    return f"+{seconds:.2f} s"


def _describe(event: Event) -> str:
    match event:
        case trace.Uploaded():
            return f"UPLOAD   {event.key} {event.version}, its gate: {event.gate}"
        case trace.Deleted():
            return f"DELETED  {event.key} {event.version}"
        case trace.Stored():
            return f"stored   {event.key} by {event.by}: {_short(_essence(event.document))}"
        case trace.Tagged():
            return f"TAG      {event.version} = {event.status}"
        case trace.Published():
            content = event.card["content"]
            buttons = sorted(event.card["metadata"].get("additionalContext", {}))
            return f"CARD     {content['title']} {buttons}, composed {_ago(event)}"
        case trace.Mailed():
            return f"MAIL     {event.subject}, composed {_ago(event)}"
        case trace.Clicked():
            elapsed = event.at - event.began
            return f"CLICK    {_short(event.payload)} -> {event.answer!r} after {elapsed:.2f} s"
        case trace.Verified():
            return f"VERIFY   {list(event.findings)}"
        case trace.FunctionFailed():
            return f"FAILED   {event.function}: {event.error}"
        case trace.Faulted():
            elapsed = event.until - event.at
            return f"FAULT    {event.fault}: {event.caller} {event.call}, for {elapsed:.2f} s"
    named = {name: var for name, var in vars(event).items() if name not in ("at", "detail")}
    return f"{type(event).__name__} {_short(named)}"


def _ago(event: trace.Published | trace.Mailed) -> str:
    return f"{event.at - event.composed:.2f} s ago"


def _essence(document: Any) -> Any:
    """The document without the fields that every document has."""
    if not isinstance(document, dict) or "content" in document:
        return "..."
    left_out = {"version", "scan", "evidence", "upload", "bucket", "etag", "size", "requester"}
    return {name: item for name, item in document.items() if name not in left_out}


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
