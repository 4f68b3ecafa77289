"""The look of the live report: a bar a rule, the tasks that run, and a line for all.

Owns how these fit into so many columns and lines; the one module that knows rich.  Knows nothing of cursors and time.
"""

from __future__ import annotations

import io

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.style import Style
from rich.text import Text

from hpcmake.report.tally import Progress
from hpcmake.report.words import about, count, printable
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.report.tally import Tally

_MOST_RULES = 12
_MOST_RUNNING = 8
_NAME = 24
"""The widest that the name of a rule may be."""
_SHORTEST_BAR = 6

_DONE, _FAILED, _RUNNING, _REST = (Style.parse(each) for each in ("green", "bold red", "yellow", "dim"))


class Bars:
    """Renders the state of a run into lines, none of which is wider than the terminal."""

    def __init__(self, *, encoding: str, color: bool) -> None:
        self._console = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system="standard" if color else None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self._encoding = encoding
        is_unicode = encoding.lower().replace("-", "").startswith("utf")
        self._full, self._failed, self._running, self._empty, self._dots = "━━╸─…" if is_unicode else "#x>-~"

    def render(self, tally: Tally, columns: int, lines: int) -> list[str]:
        """Return the lines to draw: at most `lines` less one for the cursor, and at least one."""
        # a line that fills the last column makes some terminals wrap
        width = max(columns - 1, 8)
        room = max(lines - 2, 0)
        rules = _fold(tally.rules, min(_MOST_RULES, max(room * 2 // 3, room - _MOST_RUNNING)))
        drawn = self._rule_lines(rules, width)
        drawn += self._running_lines(tally, width, min(_MOST_RUNNING, room - len(drawn)))
        if tally.standing and len(drawn) < room:
            drawn.append(Text(self._fit(tally.standing, width).rstrip(), _REST))
        drawn.append(self._last_line(tally, width))
        for line in drawn:
            line.truncate(width)  # in a few columns even the counts are too long
        return [self._ansi(line) for line in drawn]

    def _rule_lines(self, rules: list[tuple[str, Progress]], width: int) -> list[Text]:
        if not rules:
            return []
        counts = [f"{each.done:,}/{each.total:,}" for _, each in rules]
        failures = [f" {each.failed:,} failed" if each.failed else "" for _, each in rules]
        right = max(map(len, counts))
        tail = max(map(len, failures))
        name = min(_NAME, max(cell_len(rule) for rule, _ in rules), max(4, width - right - tail - 1))
        bar = min(40, width - name - right - tail - 2)
        drawn: list[Text] = []
        for (rule, each), counted, failed in zip(rules, counts, failures, strict=True):
            line = Text(self._fit(rule, name) + " ")
            if bar >= _SHORTEST_BAR:
                line.append_text(self._bar(each, bar)).append(" ")
            line.append(f"{counted:>{right}}")
            line.append(failed, _FAILED)
            drawn.append(line)
        return drawn

    def _bar(self, progress: Progress, width: int) -> Text:
        total = max(progress.total, progress.done + progress.failed, 1)
        failed = -(-progress.failed * width // total)  # a single failure among thousands is to be seen
        done = min(progress.done * width // total, width - failed)
        running = min(-(-progress.running * width // total), width - failed - done)
        bar = Text().append(self._full * done, _DONE)  # a style given to Text itself would be that of all its parts
        bar.append(self._failed * failed, _FAILED)
        bar.append(self._running * running, _RUNNING)
        return bar.append(self._empty * (width - done - failed - running), _REST)

    def _running_lines(self, tally: Tally, width: int, room: int) -> list[Text]:
        number = len(tally.running)
        if room <= 0 or not number:
            return []
        shown = number if number <= room else room - 1
        now = tally.start + tally.elapsed()
        drawn: list[Text] = []
        for task, began in tally.running.items():
            if len(drawn) == shown:
                break
            ago = f"{render_duration(int(now - began)):>7} "
            drawn.append(Text().append(ago, _RUNNING).append(self._fit(task, width - len(ago)).rstrip()))
        if number > shown:
            drawn.append(Text(self._fit(f"{'':7} and {number - shown:,} more", width).rstrip(), _REST))
        return drawn

    def _last_line(self, tally: Tally, width: int) -> Text:
        together = tally.all()
        parts = [f"{together.done:,} of {count(together.total, 'task')}"]
        if together.failed:
            parts.append(f"{together.failed:,} failed")
        parts.append(render_duration(int(tally.elapsed())))
        remaining = tally.remaining()
        if together.left and remaining is not None:
            least = "at least " if tally.unknown else "about "
            parts.append(f"{least}{about(remaining)} left")
        elif tally.unknown:
            parts.append("more to come")
        while len(parts) > 2 and len(", ".join(parts)) > width:  # noqa: PLR2004  # the first and the last matter most
            del parts[-2]
        return Text(self._fit(", ".join(parts), width).rstrip())

    def _fit(self, text: str, width: int) -> str:
        """Return the text in exactly so many columns; a longer one loses its middle, for names differ at their ends."""
        # what the terminal cannot show would be written as an escape, and make the line wider than we count
        text = printable(text).encode(self._encoding, "replace").decode(self._encoding)
        size = cell_len(text)
        if size <= width:
            return text + " " * (width - size)
        if width <= 1:
            return set_cell_size(text, max(width, 0))
        back = (width - 1) // 2
        end = text[len(text) - back :]
        while cell_len(end) > back:
            end = end[1:]
        return set_cell_size(text, width - 1 - cell_len(end)) + self._dots + end

    def _ansi(self, line: Text) -> str:
        console = self._console
        return "".join(
            segment.style.render(segment.text, color_system=console._color_system)  # noqa: SLF001
            if segment.style
            else segment.text
            for segment in line.render(console)
        )


def _fold(rules: dict[str, Progress], most: int) -> list[tuple[str, Progress]]:
    """Return the rules that matter now, in their order, and the rest as one."""
    if len(rules) <= most:
        return list(rules.items())
    if most <= 0:
        return []

    def weight(rule: str) -> int:
        progress = rules[rule]
        return 0 if progress.running else 1 if progress.left else 2

    chosen = set(sorted(rules, key=weight)[: most - 1])
    rest = Progress()
    for rule, progress in rules.items():
        if rule not in chosen:
            rest.add(progress)
    named = [(rule, progress) for rule, progress in rules.items() if rule in chosen]
    return [*named, (f"{len(rules) - len(named)} {'other' if named else ''} rules".replace("  ", " "), rest)]
