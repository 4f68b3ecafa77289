"""A Gantt picture in SVG: who runs where and when; nodes upwards, time to the right.

Owns shapes, sizes and colours.  Knows nothing of how jobs are packed: it is given bars with their places.
"""

from __future__ import annotations

from html import escape

from hpcmake.record import Record
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Bar(Record):
    """Tasks of a rule that run from `start` to `end` (seconds), on nodes `low` to `high` of the picture."""

    job: int
    rule: str
    count: int
    start: float
    end: float
    low: float
    high: float


class Frame(Record):
    """A job: it holds nodes `low` to `high` from `start`, is expected to end at `end`, and reserved until `limit`."""

    job: int
    label: str
    start: float
    end: float
    limit: float
    low: float
    high: float


class Chart(Record):
    """A picture: its title, the jobs, the bars in them; `nodes` are held at once at most."""

    title: str
    nodes: float
    frames: tuple[Frame, ...]
    bars: tuple[Bar, ...]


COLOURS = (
    "#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2",
    "#eeca3b", "#9d755d", "#ff9da6", "#79706e", "#2f4b7c", "#a05195",
)  # fmt: skip
"""Of rules, in their order; those behind the last one begin anew, with stripes."""

_WIDE, _HIGH = 1000.0, 460.0
_LEFT, _TOP, _BELOW, _RIGHT = 74.0, 46.0, 46.0, 24.0
_THIN = 2.0
"""Bars narrower than this, in pixels, are joined with their neighbours: nobody sees them apart."""
_LEGEND = 20.0
_MARKS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
"""Seconds that may lie between two marks of the time axis."""


def render_gantt(chart: Chart) -> str:
    """Return the picture as an SVG document."""
    return "".join(_Paper(chart).lines())


class _Paper:
    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.seconds = (
            max([frame.limit for frame in chart.frames] + [bar.end for bar in chart.bars], default=0.0) or 1.0
        )
        self.nodes = chart.nodes or 1.0
        self.rules = list(dict.fromkeys(bar.rule for bar in chart.bars))
        self.columns = max(1, int(_WIDE // max([140.0, *(len(rule) * 7.4 + 80 for rule in self.rules)])))
        rows = -(-len(self.rules) // self.columns)
        self.height = _TOP + _HIGH + _BELOW + rows * _LEGEND + 12
        self.width = _LEFT + _WIDE + _RIGHT

    def x(self, seconds: float) -> float:
        return _LEFT + _WIDE * seconds / self.seconds

    def y(self, nodes: float) -> float:
        return _TOP + _HIGH * (1 - nodes / self.nodes)

    def lines(self) -> Iterator[str]:
        size = f'width="{self.width:.0f}" height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n'
        yield f"<style>{_style(self.rules)}</style>\n"
        yield _stripes(self.rules)
        yield '<rect width="100%" height="100%" fill="#ffffff"/>\n'
        yield f'<text class="title" x="{_LEFT:g}" y="24">{escape(self.chart.title)}</text>\n'
        if not self.chart.frames:
            yield f'<text class="note" x="{_LEFT:g}" y="{_TOP + 20:g}">nothing to run</text>\n'
        else:
            yield from self.axes()
            for frame in self.chart.frames:
                yield self.ground(frame)
            for bar in joined(self.chart.bars, self.seconds / _WIDE * _THIN):
                yield self.bar(bar)
            for frame in self.chart.frames:
                yield self.frame(frame)
            yield from self.legend()
        yield "</svg>\n"

    def axes(self) -> Iterator[str]:
        step = next((mark for mark in _MARKS if self.seconds / mark <= 12), _MARKS[-1])  # noqa: PLR2004
        at = 0
        bottom = _TOP + _HIGH
        while at <= self.seconds:
            x = self.x(at)
            yield f'<path class="grid" d="M{x:.1f},{_TOP:g} V{bottom:g}"/>'
            yield f'<text class="mark" x="{x:.1f}" y="{bottom + 16:g}">{render_duration(at)}</text>\n'
            at += step
        for nodes in _round_steps(self.nodes):
            y = self.y(nodes)
            yield f'<path class="grid" d="M{_LEFT:g},{y:.1f} h{_WIDE:g}"/>'
            yield f'<text class="side" x="{_LEFT - 8:g}" y="{y + 4:.1f}">{nodes:g}</text>\n'
        yield f'<text class="note" x="{_LEFT - 56:g}" y="{_TOP - 8:g}">nodes</text>\n'
        words = "time from the start of the first job; waits in queues are not in it"
        yield f'<text class="note" x="{_LEFT:g}" y="{bottom + 34:g}">{words}</text>\n'

    def ground(self, frame: Frame) -> str:
        """Return the ground of a job: what stays visible of it is held, and not used."""
        x, y = self.x(frame.start), self.y(frame.high)
        wide, high = self.x(frame.end) - x, self.y(frame.low) - y
        rest = self.x(frame.limit) - self.x(frame.end)
        return (
            f'<rect class="idle" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'
            f'<rect class="rest" x="{x + wide:.1f}" y="{y:.1f}" width="{rest:.1f}" height="{high:.1f}"/>\n'
        )

    def bar(self, bar: Bar) -> str:
        x, y = self.x(bar.start), self.y(bar.high)
        wide, high = max(0.4, self.x(bar.end) - x), max(0.4, self.y(bar.low) - y)
        tasks = f"{bar.count} task{'s' if bar.count != 1 else ''} of {bar.rule}"
        span = f"{render_duration(round(bar.start))} to {render_duration(round(bar.end))}"
        title = escape(f"{tasks}, job {bar.job}, {span}")
        kind = f"r{self.rules.index(bar.rule)}"
        place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
        return f'<rect class="{kind}" {place}><title>{title}</title></rect>\n'

    def frame(self, frame: Frame) -> str:
        x, y = self.x(frame.start), self.y(frame.high)
        wide, high = self.x(frame.limit) - x, self.y(frame.low) - y
        text = ""
        if wide > len(frame.label) * 7 and high > 16:  # noqa: PLR2004  # room for a line of text
            text = f'<text class="label" x="{x + 5:.1f}" y="{y + 14:.1f}">{escape(frame.label)}</text>'
        place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
        return f'<rect class="job" {place}><title>{escape(frame.label)}</title></rect>{text}\n'

    def legend(self) -> Iterator[str]:
        counts: dict[str, int] = {}
        for bar in self.chart.bars:
            counts[bar.rule] = counts.get(bar.rule, 0) + bar.count
        top = _TOP + _HIGH + _BELOW
        cells = [(f"r{number}", f"{rule} {counts[rule]}") for number, rule in enumerate(self.rules)]
        for number, (kind, words) in enumerate([*cells, ("idle", "held, not used"), ("rest", "reserved")]):
            x = _LEFT + number % self.columns * (_WIDE / self.columns)
            y = top + number // self.columns * _LEGEND
            yield f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="12" height="12"/>'
            yield f'<text class="note" x="{x + 18:.1f}" y="{y + 10:.1f}">{escape(words)}</text>\n'


def joined(bars: Iterable[Bar], thin: float) -> list[Bar]:
    """Return bars of which those too short to be seen apart are one, where they follow each other on the same nodes."""
    found: list[Bar] = []
    last: dict[tuple[int, str, float, float], int] = {}
    for bar in sorted(bars, key=lambda each: (each.start, each.low)):
        key = (bar.job, bar.rule, bar.low, bar.high)
        at = last.get(key)
        if at is not None and bar.end - bar.start < thin and bar.start - found[at].end < thin:
            found[at] = found[at].replace(end=max(bar.end, found[at].end), count=found[at].count + bar.count)
            continue
        last[key] = len(found)
        found.append(bar)
    return found


def _round_steps(most: float) -> list[float]:
    """Return marks of an axis from 0 to `most`: four to eight round numbers, and the end itself."""
    step = 1.0
    while most / step > 8:  # noqa: PLR2004
        step *= 2
    marks = [number * step for number in range(int(most / step) + 1)]
    return (
        marks
        if most - marks[-1] < step / 2 and marks[-1] == most
        else [*(m for m in marks if most - m > step / 2), most]
    )


def _style(rules: Sequence[str]) -> str:
    font = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
    lines = [
        f"text{{font-family:{font};font-size:11px;fill:#1c1c1c}}",
        "text.title{font-size:14px;font-weight:bold}",
        "text.note,text.side,text.mark{fill:#474f57}",
        "text.side{text-anchor:end}text.mark{text-anchor:middle}",
        "text.label{fill:#1c1c1c;stroke:#ffffff;stroke-width:3px;paint-order:stroke}",
        "path.grid{stroke:#e3e6e9;stroke-width:1px;fill:none}",
        "rect.job{fill:none;stroke:#1c1c1c;stroke-width:1.2px}",
        "rect.idle{fill:#f1f1ef}rect.rest{fill:#ffffff;fill-opacity:0.6;stroke:#b5bcc3;stroke-dasharray:3 3}",
    ]
    for number in range(len(rules)):
        fill = COLOURS[number % len(COLOURS)] if number < len(COLOURS) else f"url(#s{number})"
        lines.append(f"rect.r{number}{{fill:{fill};stroke:#ffffff;stroke-width:0.4px}}")
    return "".join(lines)


def _stripes(rules: Sequence[str]) -> str:
    """Return the patterns of rules for which there is no colour of their own."""
    found = []
    for number in range(len(COLOURS), len(rules)):
        colour = COLOURS[number % len(COLOURS)]
        found.append(
            f'<pattern id="s{number}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<rect width="6" height="6" fill="#ffffff"/><rect width="{3 + number // len(COLOURS)}" height="6" '
            f'fill="{colour}"/></pattern>'
        )
    return f"<defs>{''.join(found)}</defs>\n" if found else ""
