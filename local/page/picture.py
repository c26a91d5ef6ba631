"""The state machine's own picture: where each state and each line of its definition is drawn.

Layers by the longest way from the start, lines through places of their own where they pass layers,
few crossings by neighbours' averages; after Sugiyama, Tagawa and Toda (1981).
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

WIDTH, HEIGHT, GAP, RISE = 144, 46, 16, 24  # pixels: a state, and the space beside and below it
PASSING = 12  # the width that a passing line takes
MARGIN = 8

Edge = tuple[str, str]
# A state's name, or the place of the n-th line in a layer that it passes.
Place = str | tuple[int, int]


def draw(definition: Mapping[str, Any], visited: Collection[str] = ()) -> dict[str, Any]:
    """Return ``{"width", "height", "states": [{name, type, x, y}], "lines": [{from, to, path}]}``.

    ``x, y`` are a state's left upper corner, ``path`` is an SVG path. Where any failure may lead is
    only drawn once an execution ``visited`` it: else each state had a line there.
    """
    states = definition["States"]
    lines = _lines(definition, set(visited))
    order, back = _walk(definition["StartAt"], lines)
    forward = [(to, at) if (at, to) in back else (at, to) for at, to in lines]
    layer = _layers(order, forward)
    ways = _ways(forward, layer)
    rows = _rows(order, layer, ways)
    links = [pair for way in ways for pair in itertools.pairwise(way)]
    _sort(rows, links)
    centre = _centres(rows, links)
    left = min(x - _width(place) / 2 for place, x in centre.items()) - MARGIN
    right = max(x + _width(place) / 2 for place, x in centre.items()) + MARGIN

    def point(place: Place, row: int, bottom: bool) -> tuple[float, float]:
        y = MARGIN + row * (HEIGHT + RISE)
        return round(centre[place] - left, 1), y + (HEIGHT if bottom else 0)

    drawn = []
    for (at, to), way in zip(lines, ways, strict=True):
        rows_of = range(layer[way[0]], layer[way[0]] + len(way))
        points = [
            point(place, row, bottom)
            for place, row in zip(way, rows_of, strict=True)
            for bottom in (False, True)
        ][1:-1]
        if (at, to) in back:
            points.reverse()
        drawn.append({"from": at, "to": to, "path": _path(points)})
    return {
        "width": round(right - left),
        "height": 2 * MARGIN + len(rows) * (HEIGHT + RISE) - RISE,
        "states": [
            {
                "name": name,
                "type": states[name]["Type"],
                "x": round(centre[name] - left - WIDTH / 2, 1),
                "y": MARGIN + layer[name] * (HEIGHT + RISE),
            }
            for name in order
        ],
        "lines": drawn,
    }


def _lines(definition: Mapping[str, Any], visited: set[str]) -> list[Edge]:
    """Each pair of states once; a catch of everything only where it was, or leads nowhere new."""
    found: dict[Edge, None] = {}
    seldom: dict[Edge, None] = {}
    for name, state in definition["States"].items():
        for to in [state.get("Next"), state.get("Default")]:
            if to:
                found[name, to] = None
        for choice in state.get("Choices", []):
            found[name, choice["Next"]] = None
        answers = _answers(state)
        for catch in state.get("Catch", []):
            usual = catch["ErrorEquals"] != ["States.ALL"] or catch in answers
            (found if usual else seldom)[name, catch["Next"]] = None
    shown = {definition["StartAt"], *visited}
    edges: list[Edge] = []
    grown = True
    while grown:  # what is reached from what is shown
        edges = [edge for edge in found if edge[0] in shown]
        edges += [e for e in seldom if e not in found and {*e} <= visited]
        grown = not {to for _, to in edges} <= shown
        shown |= {to for _, to in edges}
    return edges


def _answers(state: Mapping[str, Any]) -> list[Any]:
    """The catches of errors that are never retried: those are answers, as that nobody decided."""
    expected = [
        error
        for retry in state.get("Retry", [])
        if retry.get("MaxAttempts") == 0
        for error in retry["ErrorEquals"]
    ]
    catches = state.get("Catch", [])
    caught = (
        next((each for each in catches if {error, "States.ALL"} & {*each["ErrorEquals"]}), None)
        for error in expected
    )
    return [each for each in caught if each]


def _walk(start: str, lines: Iterable[Edge]) -> tuple[list[str], set[Edge]]:
    """All states, each after what leads to it, and the lines that lead back."""
    after: dict[str, list[str]] = defaultdict(list)
    for at, to in lines:
        after[at].append(to)
    done: list[str] = []
    open_: list[str] = []
    back: set[Edge] = set()

    def visit(name: str) -> None:
        open_.append(name)
        for to in after[name]:
            if to in open_:
                back.add((name, to))
            elif to not in done:
                visit(to)
        open_.pop()
        done.append(name)

    for name in [start, *after]:
        if name not in done:
            visit(name)
    return done[::-1], back


def _layers(order: Iterable[str], forward: Iterable[Edge]) -> dict[Place, int]:
    before: dict[str, list[str]] = defaultdict(list)
    for at, to in forward:
        before[to].append(at)
    layer: dict[Place, int] = {}
    for name in order:
        layer[name] = max((layer[each] + 1 for each in before[name]), default=0)
    return layer


def _ways(forward: Iterable[Edge], layer: Mapping[Place, int]) -> list[list[Place]]:
    """The places that each line goes through, from its upper end to its lower."""
    return [
        [at, *((number, row) for row in range(layer[at] + 1, layer[to])), to]
        for number, (at, to) in enumerate(forward)
    ]


def _rows(
    order: Iterable[str], layer: Mapping[Place, int], ways: Iterable[list[Place]]
) -> list[list[Place]]:
    rows: list[list[Place]] = [[] for _ in range(max(layer.values()) + 1)]
    for name in order:
        rows[layer[name]].append(name)
    for way in ways:
        for row, place in enumerate(way[1:-1], layer[way[0]] + 1):
            rows[row].append(place)
    return rows


def _neighbours(links: Iterable[tuple[Place, Place]]) -> tuple[dict, dict]:
    above, below = defaultdict(list), defaultdict(list)
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    return above, below


def _sort(rows: list[list[Place]], links: list[tuple[Place, Place]]) -> None:
    """Order each row in place so that few lines cross."""
    above, below = _neighbours(links)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(24):
        downward = sweep % 2 == 0
        beside = above if downward else below
        for other, row in itertools.pairwise(rows if downward else rows[::-1]):
            at = {place: position for position, place in enumerate(other)}
            here = {place: position for position, place in enumerate(row)}
            row.sort(key=lambda p: _mean([at[n] for n in beside[p]], here[p]))
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _crossings(rows: list[list[Place]], below: Mapping[Place, list[Place]]) -> int:
    count = 0
    for row, lower in itertools.pairwise(rows):
        at = {place: position for position, place in enumerate(lower)}
        ends = [sorted(at[each] for each in below[place]) for place in row]
        for first, second in itertools.combinations(ends, 2):
            count += sum(a > b for a in first for b in second)
    return count


def _centres(rows: list[list[Place]], links: list[tuple[Place, Place]]) -> dict[Place, float]:
    """Each place's middle: as near to its neighbours' as the row's order and widths allow."""
    above, below = _neighbours(links)
    centre: dict[Place, float] = {}
    for row in rows:
        centre |= _apart(row, {place: 0.0 for place in row})
    for sweep in range(40):
        downward = sweep % 2 == 0
        for row in rows if downward else rows[::-1]:
            # The last sweeps look both ways, so that nothing hangs to one side.
            wished = {
                place: _mean(
                    [
                        centre[n]
                        for n in (
                            above[place] + below[place]
                            if sweep > 30
                            else (above if downward else below)[place]
                        )
                    ],
                    centre[place],
                )
                for place in row
            }
            centre |= _apart(row, wished)
    for row in rows:  # a chain hangs straight from its first place
        only = {p: above[p][0] for p in row if len(above[p]) == 1 and len(below[above[p][0]]) == 1}
        centre |= _apart(row, {p: centre[only.get(p, p)] for p in row})
    return centre


def _apart(row: list[Place], wished: Mapping[Place, float]) -> dict[Place, float]:
    """The places nearest to the wished ones in which nothing overlaps (isotonic regression)."""
    offset, offsets = 0.0, []
    for place, following in itertools.zip_longest(row, row[1:]):
        offsets.append(offset)
        if following is not None:
            offset += (_width(place) + _width(following)) / 2 + GAP
    blocks: list[tuple[float, int]] = []  # (mean, how many)
    for place, each in zip(row, offsets, strict=True):
        mean, count = wished[place] - each, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        blocks.append((mean, count))
    means = [mean for mean, count in blocks for _ in range(count)]
    return {place: mean + each for place, mean, each in zip(row, means, offsets, strict=True)}


def _path(points: list[tuple[float, float]]) -> str:
    (x, y), *rest = points
    path = f"M{x} {y}"
    for to_x, to_y in rest:
        middle = round((y + to_y) / 2, 1)
        path += f"L{to_x} {to_y}" if x == to_x else f"C{x} {middle} {to_x} {middle} {to_x} {to_y}"
        x, y = to_x, to_y
    return path


def _mean(values: list[float] | list[int], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _width(place: Place) -> int:
    return WIDTH if isinstance(place, str) else PASSING
