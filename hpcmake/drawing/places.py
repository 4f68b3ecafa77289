"""Where nodes stand on paper: the middle of each column and the height of each node in it.

Owns these places.  Knows nothing of what is drawn there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.drawing.layers import Layers

_SWEEPS = 8


def heights(layers: Layers, height_of: Callable[[int], float], gap: float) -> list[float]:
    """Return the vertical place of the middle of each node and joint, the uppermost edge of all at 0.

    Each node is drawn towards the mean of its neighbours, while the rows keep their order and their distance.
    """
    place = [0.0] * len(layers.column)
    apart = [_distances(row, height_of, gap) for row in layers.rows]
    for row, offsets in zip(layers.rows, apart, strict=True):
        middle = offsets[-1] / 2 if offsets else 0.0
        for node, offset in zip(row, offsets, strict=True):
            place[node] = offset - middle
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        order = range(len(layers.rows)) if forward else range(len(layers.rows) - 1, -1, -1)
        for number in order:
            _settle(layers, number, place, apart[number], layers.before if forward else layers.after)
    top = min((place[node] - height_of(node) / 2 for node in range(len(place))), default=0.0)
    return [each - top for each in place]


def _distances(row: Sequence[int], height_of: Callable[[int], float], gap: float) -> list[float]:
    """Return how far below the first node of a row each must stand at least."""
    offsets: list[float] = []
    for index, node in enumerate(row):
        if index == 0:
            offsets.append(0.0)
        else:
            offsets.append(offsets[-1] + (height_of(row[index - 1]) + height_of(node)) / 2 + gap)
    return offsets


def _settle(
    layers: Layers, number: int, place: list[float], offsets: Sequence[float], neighbours: list[list[int]]
) -> None:
    """Move the nodes of a column as near as they can to the mean of their neighbours.

    Less the distances that must be, places may only grow from row to row, so this is the regression of a growing
    sequence: runs that would fall are pooled at their mean.
    """
    pools: list[list[float]] = []  # weighted sum, weight, how many rows
    for node, offset in zip(layers.rows[number], offsets, strict=True):
        near = neighbours[node]
        wish = sum(place[each] for each in near) / len(near) if near else place[node]
        # a joint pulls harder, for an edge that is straight is easier to follow; what has no neighbour hardly at all
        weight = (4.0 if node >= layers.size else 1.0) if near else 0.01
        pools.append([(wish - offset) * weight, weight, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    index = 0
    for total, weight, many in pools:
        for _ in range(int(many)):
            place[layers.rows[number][index]] = total / weight + offsets[index]
            index += 1
