"""Small changes to hand-made stories, for the tests of the model."""

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.model import check
from tests.simulation.model.stories import Story
from tests.simulation.trace import Event, Mailed, Published, Stored


def kinds(story: Story) -> set[str]:
    return {each.kind for each in check(story.trace())}


def changed(story: Story, kind: type[Event], **fields: object) -> None:
    """Change the last event of a kind."""
    place = max(n for n, each in enumerate(story.events) if isinstance(each, kind))
    story.events[place] = replace(story.events[place], **fields)


def without(story: Story, *gone: Event) -> None:
    story.events = [each for each in story.events if each not in gone]


def documents(story: Story, name: str) -> Iterator[Stored]:
    for each in story.events:
        if isinstance(each, Stored) and each.key.endswith(f"/{name}"):
            yield each


def rewrite(story: Story, name: str, **fields: object) -> None:
    """Change what a document says, and leave who vouches for it alone."""
    [stored] = documents(story, name)
    place = story.events.index(stored)
    story.events[place] = replace(stored, document={**stored.document, **fields})


def cards(story: Story, name: str) -> list[Published]:
    return [
        each
        for each in story.events
        if isinstance(each, Published) and each.card["content"].get("keywords") == [name]
    ]


def mails(story: Story, start: str) -> list[Mailed]:
    return [
        each
        for each in story.events
        if isinstance(each, Mailed) and each.subject.partition("] ")[2].startswith(start)
    ]
