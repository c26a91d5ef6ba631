"""Reduces a failing scenario while the same kind of violation remains."""

from collections.abc import Callable, Iterator
from typing import Any

Scenario = dict[str, Any]
PARTS = ("faults", "outages", "actions", "uploads")
# Simpler values, tried in this order; the first that keeps the violation is used.
SIMPLER = {"plus": (0.0, 1.0, 60.0), "seconds": (10.0,), "late": (0.0,), "n": (1,), "times": (1,)}
ROUNDS = 6
IDLE = {"do": "nothing", "when": {"after": "never", "plus": 0.0}}


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], tries: int = 400) -> Scenario:
    """Return the smallest scenario found that still ``fails``, in at most ``tries`` runs."""
    left = tries
    for _ in range(ROUNDS):
        before = scenario
        for smaller in _smaller(scenario):
            candidate = smaller(scenario)
            if candidate is None or candidate == scenario:
                continue
            if not left:
                return scenario
            left -= 1
            if fails(candidate):
                scenario = candidate
        if scenario == before:
            break
    compact = _compact(scenario)
    return compact if fails(compact) else scenario


def _compact(scenario: Scenario) -> Scenario:
    """Remove the actions that are not done, and renumber the others."""
    done = [place for place, action in enumerate(scenario["actions"]) if action["do"] != IDLE["do"]]

    def renamed(item: Scenario) -> Scenario:
        what, _, number = item["when"]["after"].partition(" ")
        if what not in ("click", "answer") or int(number) not in done:
            return item
        return {**item, "when": {**item["when"], "after": f"{what} {done.index(int(number))}"}}

    parts = {name: [*map(renamed, scenario[name])] for name in ("uploads", "outages")}
    actions = [renamed(scenario["actions"][place]) for place in done]
    return {**scenario, **parts, "actions": actions}


Step = Callable[[Scenario], Scenario | None]


def _smaller(scenario: Scenario) -> Iterator[Step]:
    """The reductions to try in turn, each on the result of those before."""
    for part in PARTS:
        for place in reversed(range(len(scenario[part]))):
            yield _without(part, place)
    yield lambda now: {**now, "skew": 0.0}
    yield lambda now: {**now, "jitter": False}
    for number in range(len(scenario["uploads"])):
        yield _changed("uploads", number, lambda upload: {**upload, "events": upload["events"][:1]})
        yield _changed("uploads", number, lambda upload: {**upload, "scans": upload["scans"][:1]})
    for part in PARTS:
        for place in range(len(scenario[part])):
            for name, values in SIMPLER.items():
                for value in values:
                    yield _changed(part, place, _set(name, value))
            yield _changed(part, place, _dropped("again"))
            yield _changed(part, place, _dropped("days"))


def _without(part: str, place: int) -> Step:
    def step(now: Scenario) -> Scenario | None:
        items = now[part]
        # Anchors contain upload numbers, so only later uploads are removed.
        is_last = place == len(items) - 1
        if place >= len(items) or (part == "uploads" and (not is_last or place == 0)):
            return None
        if part == "actions" and not is_last:
            # They contain action numbers, too: an action that is not done keeps its number.
            return {**now, part: [*items[:place], IDLE, *items[place + 1 :]]}
        return {**now, part: [*items[:place], *items[place + 1 :]]}

    return step


def _changed(part: str, place: int, change: Callable[[Scenario], Scenario]) -> Step:
    def step(now: Scenario) -> Scenario | None:
        items = now[part]
        if place >= len(items):
            return None
        return {**now, part: [*items[:place], change(items[place]), *items[place + 1 :]]}

    return step


def _set(name: str, value: float) -> Callable[[Scenario], Scenario]:
    def change(item: Scenario) -> Scenario:
        when = item.get("when", {})
        if name in item and abs(item[name]) > abs(value):
            return {**item, name: value}
        if name in when and abs(when[name]) > abs(value):
            return {**item, "when": {**when, name: value}}
        return item

    return change


def _dropped(name: str) -> Callable[[Scenario], Scenario]:
    return lambda item: {key: value for key, value in item.items() if key != name}
