"""Writes docs/permissions.md: every call, what allowed it, and what no call used."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from local.permissions.guard import Allowed, general
from tests.permissions import reasons
from tests.permissions.attacks import Attempt
from tests.permissions.mutations import Mutation
from tests.permissions.recorded import Recorded, short
from tests.permissions.rights import owners_of, rights, used

PAGE = Path(__file__).parent.parent.parent / "docs" / "permissions.md"
BEGIN = "<!-- from here on `make permissions` writes -->"


def written(
    recorded: Recorded, attempts: Sequence[Attempt], count: int, survivors: Sequence[Mutation]
) -> str:
    """The generated part of the page."""
    every = list(rights(recorded.policies))
    left = [right for right in every if not used(right, recorded.calls)]
    lines = [
        BEGIN,
        "",
        "## Who calls what",
        "",
        *_calls(recorded.calls),
        "## Rights that no call used",
        "",
        f"Of {len(every)} rights (an action on a resource, for a principal), "
        f"{len(every) - len(left)} were used. The others:",
        "",
        "| Right | Why it stays |",
        "|---|---|",
        *sorted({f"| {_code(str(right))} | {reasons.of_right(str(right))} |" for right in left}),
        "",
        "## What is refused",
        "",
        "Each of these was tried, with the policies of the program; `administrator` has every "
        "right that an identity policy can give.",
        "",
        "| Who | tries | on | attack |",
        "|---|---|---|---|",
        *sorted(
            {
                f"| {short(item.who)} | {_code(item.action)} | {_code(_general(item.on))} "
                f"| {item.why} |"
                for item in (attempt.attack for attempt in attempts)
            }
        ),
        "",
        "## Each statement and condition removed",
        "",
        f"{count} times one statement or one condition was removed from one policy. "
        f"{count - len(survivors)} times a call was refused that must be allowed, or an attack was "
        "allowed. The others:",
        "",
        "| Removed | Why nothing notices |",
        "|---|---|",
        *sorted({f"| {item} | {reasons.of_mutation(item.what)} |" for item in survivors}),
    ]
    return "\n".join(lines) + "\n"


def _calls(calls: Iterable[Allowed]) -> Iterable[str]:
    actions: dict[tuple[str, str, str], set[str]] = {}
    for call in calls:
        who, action, resource, by = _row(call)
        actions.setdefault((who, resource, by), set()).add(action)
    rows = sorted(
        (who, sorted(names), resource, by) for (who, resource, by), names in actions.items()
    )
    for who, own in groupby(rows, key=lambda row: row[0]):
        yield f"### {who}"
        yield ""
        yield "| Calls | on | allowed by |"
        yield "|---|---|---|"
        for _, names, resource, by in own:
            yield f"| {', '.join(_code(name) for name in names)} | {_code(resource)} | {by} |"
        yield ""


def _row(call: Allowed) -> tuple[str, str, str, str]:
    role, resource = owners_of(call.request)
    by = sorted(
        {
            f"{resource if policy == 'resource' else _policy(policy)} {statement}"
            for policy, statement, effect in call.decision.statements
            if effect == "Allow"
        }
    )
    who = role if call.request.context.get("aws:PrincipalArn") else call.caller
    return who, call.request.action, _general(call.request.resource), ", ".join(by)


def _general(resource: str) -> str:
    return short(general(resource))


def _policy(name: str) -> str:
    return short(name).removeprefix("policy/")


def _code(text: str) -> str:
    return f"`{text}`"
