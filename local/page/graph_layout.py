"""Lays out the graph of the state machine in layers, after Sugiyama, Tagawa and Toda (1981).

A state's layer is the length of the longest path from the start. A transition that passes layers
has a place (a dummy node) in each of them. No maintained layout package on PyPI does this without
an external program (Graphviz), and 30 states need little code.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from statistics import fmean
from typing import Any

WIDTH, HEIGHT, GAP, RISE = 144, 46, 16, 24  # pixels: a state, and the space beside and below it
PASSING = 12  # the width of a transition's place
MARGIN = 8
SWEEPS = 40

Edge = tuple[str, str]
# A state's name, or the place of a transition that passes a layer: (its number, the layer).
Place = str | tuple[int, int]


def draw(definition: Mapping[str, Any], visited: Collection[str] = ()) -> dict[str, Any]:
    """Return ``{"width", "height", "states": [{name, type, x, y}], "lines": [{from, to, path}]}``.

    ``x, y`` are a state's left upper corner, ``path`` is an SVG path. A catch of all errors is only
    drawn if an execution ``visited`` both of its states; otherwise most states would have one.
    """
    edges = _edges(definition, set(visited))
    order, back = _walk(definition["StartAt"], edges)
    forward = [(to, at) if (at, to) in back else (at, to) for at, to in edges]
    layer = _layers(order, forward)
    routes = [
        [at, *((number, row) for row in range(layer[at] + 1, layer[to])), to]
        for number, (at, to) in enumerate(forward)
    ]
    rows: list[list[Place]] = [[] for _ in range(max(layer.values()) + 1)]
    for place in itertools.chain(order, *(route[1:-1] for route in routes)):
        rows[layer[place] if isinstance(place, str) else place[1]].append(place)
    centre = _centres(rows, [pair for route in routes for pair in itertools.pairwise(route)])
    left = min(x - _width(place) / 2 for place, x in centre.items()) - MARGIN
    right = max(x + _width(place) / 2 for place, x in centre.items()) + MARGIN

    def ends(place: Place) -> list[tuple[float, int]]:
        """The middle of a place's upper and lower side, where transitions enter and leave it."""
        row = layer[place] if isinstance(place, str) else place[1]
        x, y = round(centre[place] - left, 1), MARGIN + row * (HEIGHT + RISE)
        return [(x, y), (x, y + HEIGHT)]

    def path(edge: Edge, route: Iterable[Place]) -> str:
        points = [point for place in route for point in ends(place)][1:-1]
        return _path(points[::-1] if edge in back else points)

    return {
        "width": round(right - left),
        "height": 2 * MARGIN + len(rows) * (HEIGHT + RISE) - RISE,
        "states": [
            {
                "name": name,
                "type": definition["States"][name]["Type"],
                "x": round(ends(name)[0][0] - WIDTH / 2, 1),
                "y": ends(name)[0][1],
            }
            for name in order
        ],
        "lines": [
            {"from": edge[0], "to": edge[1], "path": path(edge, route)}
            for edge, route in zip(edges, routes, strict=True)
        ],
    }


def _edges(definition: Mapping[str, Any], visited: set[str]) -> list[Edge]:
    """The transitions that are drawn, each pair of states once."""
    usual: dict[Edge, None] = {}
    failures: dict[Edge, None] = {}
    for name, state in definition["States"].items():
        targets = [state.get("Next"), *(choice["Next"] for choice in state.get("Choices", []))]
        for target in (*targets, state.get("Default")):
            if target:
                usual[name, target] = None
        # An error that is never retried is an expected result, such as a request that expired.
        expected = {
            error
            for retry in state.get("Retry", [])
            if retry.get("MaxAttempts") == 0
            for error in retry["ErrorEquals"]
        }
        for catch in state.get("Catch", []):
            if catch["ErrorEquals"] != ["States.ALL"] or expected:
                usual[name, catch["Next"]] = None
            else:
                failures[name, catch["Next"]] = None
            expected -= {*catch["ErrorEquals"]}
    edges = [edge for edge in failures if edge not in usual and {*edge} <= visited]
    # The states that can be reached from the start and from the visited ones.
    summary, pending = {definition["StartAt"], *visited}, [definition["StartAt"], *visited]
    while pending:
        reached = {to for at, to in usual if at == pending[-1]} - summary
        summary |= reached
        pending = [*pending[:-1], *sorted(reached)]
    return [edge for edge in usual if edge[0] in summary] + edges


def _walk(start: str, edges: Iterable[Edge]) -> tuple[list[str], set[Edge]]:
    """All states in topological order, and the back edges, which that order ignores."""
    successors: dict[str, list[str]] = defaultdict(list)
    for at, to in edges:
        successors[at].append(to)
    done: list[str] = []
    active: list[str] = []
    back: set[Edge] = set()

    def visit(name: str) -> None:
        active.append(name)
        for to in successors[name]:
            if to in active:
                back.add((name, to))
            elif to not in done:
                visit(to)
        active.pop()
        done.append(name)

    for name in [start, *successors]:
        if name not in done:
            visit(name)
    return done[::-1], back


def _layers(order: Iterable[str], forward: Iterable[Edge]) -> dict[str, int]:
    before: dict[str, list[str]] = defaultdict(list)
    for at, to in forward:
        before[to].append(at)
    layer: dict[str, int] = {}
    for name in order:
        layer[name] = max((layer[predecessor] + 1 for predecessor in before[name]), default=0)
    return layer


def _centres(rows: list[list[Place]], links: Iterable[tuple[Place, Place]]) -> dict[Place, float]:
    """Each place's centre (x), near those of its neighbours above and below, so few lines cross.

    Sorts each row in place, from left to right.
    """
    above: dict[Place, list[Place]] = defaultdict(list)
    below: dict[Place, list[Place]] = defaultdict(list)
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    centre = {place: x for row in rows for place, x in _apart(row, dict.fromkeys(row, 0.0)).items()}
    for sweep in range(SWEEPS):
        # Sweeps go down and up in turns; the last ones use both neighbours, for symmetry.
        last = sweep > SWEEPS * 3 // 4
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wished: dict[Place, float] = {}
            for place in row:
                beside = (above, below)[sweep % 2][place]
                near = above[place] + below[place] if last else beside
                wished[place] = (
                    fmean(centre[neighbour] for neighbour in near) if near else centre[place]
                )
            if not last:
                row.sort(key=wished.__getitem__)
            centre |= _apart(row, wished)
    for row in rows:  # a chain goes straight down from its first place
        only = {p: above[p][0] for p in row if len(above[p]) == 1 == len(below[above[p][0]])}
        centre |= _apart(row, {place: centre[only.get(place, place)] for place in row})
    return centre


def _apart(row: list[Place], wished: Mapping[Place, float]) -> dict[Place, float]:
    """The centres nearest to ``wished`` at which no places overlap (isotonic regression)."""
    offset, offsets = 0.0, []
    for place, following in itertools.zip_longest(row, row[1:]):
        offsets.append(offset)
        if following is not None:
            offset += (_width(place) + _width(following)) / 2 + GAP
    blocks: list[tuple[float, int]] = []  # (mean, how many)
    for place, offset in zip(row, offsets, strict=True):
        mean, count = wished[place] - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        blocks.append((mean, count))
    means = [mean for mean, count in blocks for _ in range(count)]
    return {place: mean + shift for place, mean, shift in zip(row, means, offsets, strict=True)}


def _path(points: list[tuple[float, int]]) -> str:
    (x, y), *rest = points
    path = f"M{x} {y}"
    for to_x, to_y in rest:
        middle = round((y + to_y) / 2, 1)
        path += f"L{to_x} {to_y}" if x == to_x else f"C{x} {middle} {to_x} {middle} {to_x} {to_y}"
        x, y = to_x, to_y
    return path


def _width(place: Place) -> int:
    return WIDTH if isinstance(place, str) else PASSING
