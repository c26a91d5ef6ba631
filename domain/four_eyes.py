"""Whether the person who decided is the one who uploaded."""

from collections.abc import Iterable, Mapping
from typing import Any

from .approvers import Person, person_of
from .email_address import address
from .uploader import Uploader


def is_uploader(person: Person, uploader: Uploader, people: Mapping[str, str]) -> bool:
    """Whether ``person`` is known to be ``uploader``, also by what the upload only claims.

    ``people`` maps the chat service's ids of users to an address, the name of a session, or the id
    of a principal. An id or name that is an address itself needs no entry.
    """
    entry = people.get(person.user, "")
    names = {entry, address(person.user), address(person.name)}
    return not _folded(names).isdisjoint(_folded({*uploader.ids, *uploader.addresses}))


def identity(person: Person, people: Mapping[str, str]) -> str:
    """Return the address of ``person`` if it is known, else the id: one person can have two ids.

    An entry that is no address tells nothing, since several people may upload as one principal.
    """
    entry = address(people.get(person.user))
    known = entry or address(person.user) or address(person.name)
    return known.casefold() or person.user


def of_others(actions: Iterable[Any], uploader: Uploader, people: Mapping[str, str]) -> list[Any]:
    """Return the documents of ``actions/`` about others than ``uploader``; see ``is_uploader``."""
    return [action for action in actions if not is_uploader(person_of(action), uploader, people)]


def _folded(names: set[str]) -> set[str]:
    return {name.casefold() for name in names if name}
