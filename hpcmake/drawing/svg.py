"""A graph as a picture in SVG, laid out here without another program.

Owns shapes, sizes and lines.  Knows nothing of the order of nodes, which it is given.
"""

from __future__ import annotations

from hpcmake.drawing.graph import STATES
from hpcmake.drawing.labels import LOOKS, name_of, note_of, visible
from hpcmake.drawing.layers import Layers
from hpcmake.drawing.places import heights
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.drawing.graph import Edge, Graph, Node

_LETTER, _SMALL_LETTER = 7.3, 6.1
"""Widths of a letter of the two lines of a node, whose font has letters of one width."""
_LONGEST = 42
"""Columns of a name; a longer one loses its middle, and is told in full when one points at it."""
_PAD, _MARGIN, _GAP, _BETWEEN = 12.0, 24.0, 14.0, 64.0
_STACK = 4.0
"""How far the sheets below a node that stands for several stick out."""


class _Box(Record):
    """A node as it is drawn: its lines of text, its size, and how far the sheets below it stick out."""

    name: str
    note: str
    width: float
    height: float
    stack: float


def render_svg(graph: Graph) -> str:
    """Return the graph as an SVG document, from left to right."""
    nodes = graph["nodes"]
    numbers = {node["id"]: number for number, node in enumerate(nodes)}
    ends = [(numbers[start], numbers[end]) for start, end, _ in graph["edges"]]
    boxes = [_box(node) for node in nodes]
    layers = Layers(len(nodes), ends)
    tops = heights(layers, lambda each: boxes[each].height + 2 * boxes[each].stack if each < len(boxes) else 6.0, _GAP)
    lefts, widths = _columns(layers, boxes)
    width = (lefts[-1] + widths[-1] if lefts else 160.0) + 2 * _MARGIN
    bottoms = (tops[each] + boxes[each].height / 2 + 2 * boxes[each].stack for each in range(len(boxes)))
    height = max([40.0, *bottoms, *tops[len(boxes) :]]) + 2 * _MARGIN
    paper = _Paper(layers, boxes, [top + _MARGIN for top in tops], [left + _MARGIN for left in lefts], widths)
    body = [paper.line(edge, pair) for edge, pair in zip(graph["edges"], ends, strict=True)]
    body += [paper.shape(number, node) for number, node in enumerate(nodes)]
    body += [paper.count(edge, pair) for edge, pair in zip(graph["edges"], ends, strict=True) if edge[2] > 1]
    if not nodes:
        body.append(f'<text class="note" x="{_MARGIN:g}" y="{height / 2:g}">nothing to draw</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">\n'
        f"<style>{_style()}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="tip" d="M0,0.5 L8,4 L0,7.5 Z"/></marker></defs>\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _style() -> str:
    font = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
    rules = [
        f"text{{font-family:{font};font-size:12px;fill:#1c1c1c}}",
        "text.note{font-size:10px;fill:#474f57}",
        "text.count{font-size:9px;fill:#474f57;text-anchor:middle;stroke:#ffffff;stroke-width:3px;paint-order:stroke}",
        "path.edge{fill:none;stroke:#8a949e;stroke-width:1.2px}",
        "path.tip{fill:#8a949e}",
    ]
    for state in STATES:
        look = LOOKS[state]
        dash = f";stroke-dasharray:{look.dash}" if look.dash else ""
        rules.append(f".{state}{{fill:{look.fill};stroke:{look.stroke};stroke-width:{look.width:g}px{dash}}}")
    return "".join(rules)


def _box(node: Node) -> _Box:
    name, note = shorten(name_of(node), _LONGEST), note_of(node)
    wide = max(columns_of(name) * _LETTER, columns_of(note) * _SMALL_LETTER, 3 * _LETTER)
    return _Box(name, note, wide + 2 * _PAD, 40.0 if note else 28.0, _STACK if node["count"] > 1 else 0.0)


def _columns(layers: Layers, boxes: Sequence[_Box]) -> tuple[list[float], list[float]]:
    """Return the left edge and the width of each column."""
    lefts: list[float] = []
    widths: list[float] = []
    left = 0.0
    for row in layers.rows:
        width = max((boxes[each].width for each in row if each < len(boxes)), default=0.0)
        lefts.append(left)
        widths.append(width)
        # edges that climb far need room to turn
        left += width + _BETWEEN + min(len(row) * 1.5, _BETWEEN)
    return lefts, widths


class _Paper:
    """Where everything stands, and how it is drawn there."""

    def __init__(
        self,
        layers: Layers,
        boxes: Sequence[_Box],
        middles: Sequence[float],
        lefts: Sequence[float],
        widths: Sequence[float],
    ) -> None:
        self._layers = layers
        self._boxes = boxes
        self._middles = middles
        self._lefts = lefts
        self._widths = widths

    def _sides(self, node: int) -> tuple[float, float]:
        """Return the left and right edge of a node, or of the column that a joint lets an edge through."""
        column = self._layers.column[node]
        left, width = self._lefts[column], self._widths[column]
        if node >= len(self._boxes):
            return left, left + width
        own = self._boxes[node].width
        return left + (width - own) / 2, left + (width + own) / 2

    def line(self, edge: Edge, pair: tuple[int, int]) -> str:
        """Return the line of an edge, with an arrow at its end."""
        if pair[0] == pair[1]:
            path = self._loop(pair[0])
            marker = 'marker-end="url(#tip)"'
        else:
            is_back = pair in self._layers.reversed
            path = self._path(self._layers.chains[pair[::-1] if is_back else pair])
            marker = 'marker-start="url(#tip)"' if is_back else 'marker-end="url(#tip)"'
        return f'<path class="edge" d="{path}" {marker}><title>{_escape(_title(edge))}</title></path>'

    def _loop(self, node: int) -> str:
        left, right = self._sides(node)
        top = self._middles[node] - self._boxes[node].height / 2
        middle = (left + right) / 2
        return f"M{middle + 12:.1f},{top:.1f} c0,-16 -24,-16 -24,-1"

    def _path(self, chain: Sequence[int]) -> str:
        x, y = self._sides(chain[0])[1] + 2 * self._boxes[chain[0]].stack, self._middles[chain[0]]
        pieces = [f"M{x:.1f},{y:.1f}"]
        for node in chain[1:]:
            left, right = self._sides(node)
            there = self._middles[node]
            bend = max((left - x) / 2, 16.0)
            pieces.append(f"C{x + bend:.1f},{y:.1f} {left - bend:.1f},{there:.1f} {left:.1f},{there:.1f}")
            x, y = left, there
            if node >= len(self._boxes):
                pieces.append(f"H{right:.1f}")
                x = right
        return " ".join(pieces)

    def shape(self, number: int, node: Node) -> str:
        """Return a node: its shape says what it is, border and colour its state, as its words do."""
        box, look = self._boxes[number], node["state"] if node["state"] in LOOKS else "unknown"
        left, right = self._sides(number)
        top = self._middles[number] - box.height / 2
        parts = [f"<g><title>{_escape(_node_title(node))}</title>"]
        sheet = "sheet" if node["kind"] == "file" else node["kind"]
        shifts = (2 * box.stack, box.stack) if box.stack else ()
        parts += [_outline(sheet, look, left + shift, top + shift, box) for shift in shifts]
        parts.append(_outline(node["kind"], look, left, top, box))
        middle = (left + right) / 2
        line = top + (17.0 if box.note else 18.5)
        parts.append(_text("name", box.name, middle, line, columns_of(box.name) * _LETTER))
        if box.note:
            parts.append(_text("note", box.note, middle, line + 14.5, columns_of(box.note) * _SMALL_LETTER))
        return "".join([*parts, "</g>"])

    def count(self, edge: Edge, pair: tuple[int, int]) -> str:
        """Return how many edges a line stands for, beside its first bend."""
        if pair[0] == pair[1]:
            left, right = self._sides(pair[0])
            x, y = (left + right) / 2, self._middles[pair[0]] - self._boxes[pair[0]].height / 2 - 14
        else:
            chain = self._layers.chains[pair[::-1] if pair in self._layers.reversed else pair]
            x = (self._sides(chain[0])[1] + 2 * self._boxes[chain[0]].stack + self._sides(chain[1])[0]) / 2
            y = (self._middles[chain[0]] + self._middles[chain[1]]) / 2 + 3
        return f'<text class="count" x="{x:.1f}" y="{y:.1f}">{edge[2]:,}</text>'


def _outline(kind: str, look: str, left: float, top: float, box: _Box) -> str:
    width, height = box.width, box.height
    if kind == "file":
        fold = 8.0
        path = (
            f"M{left:.1f},{top:.1f} h{width - fold:.1f} l{fold:g},{fold:g} v{height - fold:.1f} h{-width:.1f} z "
            f"m{width - fold:.1f},0 v{fold:g} h{fold:g}"
        )
        return f'<path class="{look}" d="{path}"/>'
    radius = {"task": 8.0, "unknown": height / 2}.get(kind, 1.5)
    return (
        f'<rect class="{look}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}"/>'
    )


def _text(style: str, text: str, x: float, y: float, width: float) -> str:
    # textLength makes it fit where the font at hand has wider letters than we think
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle" textLength="{width:.1f}" '
        f'lengthAdjust="spacingAndGlyphs">{_escape(text)}</text>'
        if text
        else ""
    )


def _title(edge: Edge) -> str:
    start, end, number = edge
    return f"{start} to {end}" + (f": {number:,}" if number > 1 else "")


def _node_title(node: Node) -> str:
    note = note_of(node)
    return f"{node['label']}: {note}" if note else node["label"]


def _escape(text: str) -> str:
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def columns_of(text: str) -> int:
    """Return how many columns a text is wide in a font of one width."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # seldom needed

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, most: int) -> str:
    """Return the text in at most so many columns: a longer one loses its middle, for names differ at their ends."""
    if columns_of(text) <= most:
        return text
    front, back = (most - 1) - (most - 1) // 2, (most - 1) // 2
    head, tail = text[:front], text[len(text) - back :]
    while columns_of(head) > front:
        head = head[:-1]
    while columns_of(tail) > back:
        tail = tail[1:]
    return head + "…" + tail
