"""The phrases of the reporter: rows of a run as text for people.

Owns the wording of each kind of row but the summary.  Knows nothing of where it is shown.
"""

from __future__ import annotations

import re

from hpcmake.model import Reason
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

RED, GREEN, YELLOW, BOLD, DIM = "31", "32", "33", "1", "2"

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_LONG = 5
"""Seconds from which on it is worth to tell how long a run is expected to take."""
_MOST_RULES = 8
"""A longer list of rules ends in `and 3 more rules`."""


def paint(text: str, *codes: str, color: bool) -> str:
    """Return the text in that colour or weight, if colour is wanted."""
    return f"\33[{';'.join(codes)}m{text}\33[0m" if color else text


def count(number: int, noun: str) -> str:
    """Return `1 task`, `2 tasks`, `10,000 tasks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def be(number: int) -> str:
    """Return the verb for so many."""
    return "is" if number == 1 else "are"


def printable(text: str) -> str:
    """Return a name in one line that does nothing to a terminal: control characters are written as in Python."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or _is_undecoded(c) else repr(c)[1:-1] for c in text)


def printed(line: str) -> str:
    """Return a line of a program's output as a terminal would leave it, without colours and movements."""
    line = _ESCAPE.sub("", line.rstrip("\r\n"))
    line = line.rpartition("\r")[2].replace("\t", "    ")
    return line if line.isprintable() else "".join(c for c in line if c.isprintable() or _is_undecoded(c))


def _is_undecoded(character: str) -> bool:
    return "\udc80" <= character <= "\udcff"  # a byte that is no UTF-8; the stream knows how to write it


def rule_counts(rules: Mapping[str, int]) -> str:
    """Return `dock 10, score 2`, of many rules the first ones only."""
    named = [f"{rule} {number:,}" for rule, number in rules.items() if number]
    more = len(named) - _MOST_RULES
    if more > 1:
        named[_MOST_RULES:] = [f"and {count(more, 'more rule')}"]
    return ", ".join(named)


def start_lines(row: Mapping[str, Any], *, verbose: bool) -> list[str]:
    """Return what is told when a run begins; nothing if there is nothing to do."""
    stale, fresh, unknown = row.get("stale", 0), row.get("fresh", 0), row.get("unknown", 0)
    if not stale:
        return []
    place = [count(row["cores"], "core")] if row.get("cores") else []
    if row.get("gpus"):
        place.append(count(row["gpus"], "GPU"))
    if verbose and row.get("memory"):
        from hpcmake.units import render_size  # 30 ms to import what it needs

        place.append(render_size(row["memory"]) + " of memory")
    where = row.get("where", "this machine")
    line = f"{count(stale, 'task')} to run on {where}" + (f" ({', '.join(place)})" if place else "")
    line += ": " + rule_counts(row.get("rules", {})) if row.get("rules") else ""
    if fresh:
        line += f"; {fresh:,} {be(fresh)} up to date"
    lines = [line]
    if unknown:
        lines.append("more will follow, which is known only later")
    if (row.get("expected") or 0) >= _LONG:
        lines.append(f"expected to take about {about(row['expected'])}")
    return lines


def about(seconds: float) -> str:
    """Return a duration that is only expected, no finer than it can be known."""
    grain = next((grain for limit, grain in ((60, 1), (600, 10), (7200, 60), (86400, 600)) if seconds < limit), 3600)
    return render_duration(max(1, round(seconds / grain) * grain))


def attempt(row: Mapping[str, Any]) -> str:
    """Return which attempt it was, in brackets, unless it was the first."""
    number = row.get("attempt", 1)
    return f" (attempt {number})" if number and number > 1 else ""


def began_lines(row: Mapping[str, Any]) -> list[str]:
    """Return that a task begins, why, and its command if that is told."""
    reason = row.get("reason") or {}
    line = f"began {printable(row['task'])}{attempt(row)}"
    if reason.get("kind"):
        line += ": " + printable(Reason(reason["kind"], reason.get("file"), reason.get("detail", "")).words())
    command = row.get("command") or ""
    return [line, *("    " + printed(each) for each in command.rstrip("\n").split("\n") if command)]


def done_line(row: Mapping[str, Any]) -> str:
    """Return `done dock[c=a,p=x] 12s`."""
    return f"done {printable(row['task'])} {render_duration(row.get('wall') or 0)}{attempt(row)}"


def failed_lines(row: Mapping[str, Any], *, color: bool = False) -> list[str]:
    """Return that an attempt failed, how, the end of what it printed, and what to type to run just that task."""
    again = row.get("again")
    title = paint("failed" if again else "FAILED", BOLD, YELLOW if again else RED, color=color)
    words, *more = failure_words(row)
    after = f" after {render_duration(row['wall'])}" if row.get("wall") and row.get("why", "exit") == "exit" else ""
    line = f"{title} {printable(row['task'])}{attempt(row)}: {words}{after}"
    lines = [line + ("; it is tried again" if again else ""), *("  " + each for each in more)]
    bar = paint("  |", DIM, color=color)
    lines += [f"{bar} {printed(each)}".rstrip() for each in row.get("tail") or ()]
    if row.get("show"):
        lines.append(f"  all of its output: {printable(row['show'])}")
    elif row.get("log"):
        lines.append(f"  log: {printable(row['log'])}")
    if row.get("rerun") and not again:
        lines.append(f"  to run just this task: {printable(row['rerun'])}")
    return lines


def failure_words(row: Mapping[str, Any]) -> list[str]:
    """Return how an attempt failed: one line of a few words, and more lines where it could not even be begun."""
    words = row.get("words") or f"exit {row.get('status')}"
    return [printed(line) for line in words.rstrip("\n").split("\n")]


_CUT = {
    "stop": "hpcmake was told to stop",
    "term": "hpcmake was told to stop",
    "deadline": "the time of the job was over",
    "node": "its node was lost",
    "launcher": "the launcher failed",
    "forgotten": "it was taken back",
}


def cut_line(row: Mapping[str, Any]) -> str:
    """Return that an attempt was ended through no fault of its own."""
    return f"ended early {printable(row['task'])}: {_CUT.get(row.get('why', ''), row.get('why'))}"


def gave_up_line(row: Mapping[str, Any]) -> str:
    """Return that the run goes on without what a task would have made."""
    return f"given up {printable(row['task'])}: what can do without it goes on"


def planned_line(row: Mapping[str, Any]) -> str:
    """Return by what the plan has grown."""
    stale, unknown = row.get("stale", 0), row.get("unknown", 0)
    rules = rule_counts(row.get("rules", {}))
    line = f"now known: {count(stale, 'more task')} to run" + (f": {rules}" if rules else "")
    return line + ("; more will follow" if unknown else "")


_REMOVED = {
    "temp": "it was temporary, and is not needed any more",
    "orphan": "it is not made any more",
    "stale": "it was out of date",
}


def removed_line(row: Mapping[str, Any]) -> str:
    """Return that a file was removed, and why."""
    why = row.get("why", "")
    return f"removed {printable(row['file'])}: {_REMOVED.get(why, why)}"


def text_lines(row: Mapping[str, Any]) -> list[str]:
    """Return the lines of a note or a warning, which is text already (a warning may bring its colours)."""
    return str(row.get("text", "")).rstrip("\n").split("\n")


def block(lines: Iterable[str]) -> str:
    """Return lines as one text, each ended."""
    return "".join(line + "\n" for line in lines)
