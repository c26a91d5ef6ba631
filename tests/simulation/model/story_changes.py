"""Small changes to hand-made stories, for the tests of the model."""

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.model import check
from tests.simulation.model.stories import History
from tests.simulation.trace import Event, Mailed, Published, Stored


def kinds(story: History) -> set[str]:
    return {violation.kind for violation in check(story.trace())}


def changed(story: History, kind: type[Event], **fields: object) -> None:
    """Change the last event of a kind."""
    place = max(n for n, event in enumerate(story.events) if isinstance(event, kind))
    story.events[place] = replace(story.events[place], **fields)


def without(story: History, *gone: Event) -> None:
    story.events = [event for event in story.events if event not in gone]


def documents(story: History, name: str) -> Iterator[Stored]:
    for event in story.events:
        if isinstance(event, Stored) and event.key.endswith(f"/{name}"):
            yield event


def rewrite(story: History, name: str, **fields: object) -> None:
    """Change the content of a document, but not the SHA-256 that others name of it."""
    [stored] = documents(story, name)
    place = story.events.index(stored)
    story.events[place] = replace(stored, document={**stored.document, **fields})


def cards(story: History, name: str) -> list[Published]:
    return [
        event
        for event in story.events
        if isinstance(event, Published) and event.card["content"].get("keywords") == [name]
    ]


def mails(story: History, start: str) -> list[Mailed]:
    return [
        event
        for event in story.events
        if isinstance(event, Mailed) and event.subject.partition("] ")[2].startswith(start)
    ]
