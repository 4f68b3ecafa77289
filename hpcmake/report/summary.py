"""What is told at the end of a run: what was done, what failed, what is left and why, what to type next.

Owns the account of failures and the wording of the summary.  Knows nothing of where it is shown.
"""

from __future__ import annotations

from hpcmake.report.words import BOLD, GREEN, RED, YELLOW, be, count, failure_words, paint, printable
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MOST_FAILURES = 10
_INTERRUPTED = {130, 143}  # by the user; by who ends jobs


class Account:
    """The failures for good of a run, as they are told."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[str, str]] = {}

    def tell(self, row: Mapping[str, Any]) -> None:
        """Take a row of kind `failed`, `done` or `gave up`; a task that is given up, or ends well, is no failure."""
        task = row["task"]
        if row["kind"] != "failed":
            self._failures.pop(task, None)
        elif not row.get("again"):
            self._failures[task] = (failure_words(row)[0], row.get("rerun") or "")

    def summary_lines(self, row: Mapping[str, Any], *, color: bool = False) -> list[str]:
        """Return the end of a run in a few lines, of which the first says how it ended."""
        if row.get("nothing_to_do"):
            return _nothing_to_do(row)
        failed = row.get("failed", 0)
        lines = [_result(row, color=color)]
        lines += self._failure_lines(failed)
        if row.get("left") or row.get("unknown"):
            lines.append(_what_is_left(row))
        lines += _next(row)
        return lines

    def _failure_lines(self, failed: int) -> list[str]:
        lines = []
        for task, (words, rerun) in list(self._failures.items())[:_MOST_FAILURES]:
            command = f"; to run just this task: {printable(rerun)}" if rerun else ""
            lines.append(f"  {printable(task)}: {words}{command}")
        more = max(failed, len(self._failures)) - len(lines)
        if lines and more > 0:
            lines.append(f"  and {more:,} more: hpcmake ls --where 'state = failed'")
        return lines


def _nothing_to_do(row: Mapping[str, Any]) -> list[str]:
    fresh, given_up = row.get("fresh", 0), row.get("given_up", 0)
    if not fresh:
        return ["nothing to do"]
    more = f", {given_up:,} {be(given_up)} given up" if given_up else ""
    return [f"nothing to do: {count(fresh, 'task')} {be(fresh)} up to date{more}"]


def _result(row: Mapping[str, Any], *, color: bool) -> str:
    done, failed, fresh, cut = (row.get(key, 0) for key in ("done", "failed", "fresh", "cut"))
    status = row.get("exit", 0)
    title, tone = ("not finished", RED)
    if status == 0:
        title, tone = ("finished", GREEN)
    elif status in _INTERRUPTED:
        title, tone = ("interrupted", YELLOW)
    parts = [f"{count(done, 'task')} done"]
    if failed:
        parts.append(paint(f"{failed:,} failed", BOLD, RED, color=color))
    if cut:
        parts.append(f"{cut:,} ended early")
    if row.get("given_up"):
        parts.append(f"{row['given_up']:,} given up")
    if fresh:
        parts.append(f"{fresh:,} up to date")
    wall = f" in {render_duration(row['wall'])}" if row.get("wall") is not None else ""
    return paint(title, BOLD, tone, color=color) + f"{wall}: {', '.join(parts)}"


def _what_is_left(row: Mapping[str, Any]) -> str:
    left, unknown, failed = row.get("left", 0), row.get("unknown", 0), row.get("failed", 0)
    if not left:
        return "left: what is known only when more is done"
    line = f"left: {count(left, 'task')}" + (", and what is known only later" if unknown else "")
    if row.get("exit") in _INTERRUPTED or not failed:
        return line
    if row.get("keep_going"):
        return line + ("; it needs" if left == 1 else "; they need") + " what failed"
    return line + "; a failure stops the run"


def _next(row: Mapping[str, Any]) -> list[str]:
    if row.get("exit") in _INTERRUPTED:
        return ["next: type hpcmake again, which goes on from here"]
    if not row.get("failed"):
        return ["next: type hpcmake again, which goes on from here"] if row.get("left") else []
    line = "next: mend what failed and type hpcmake again, which goes on from here"
    if row.get("left") and not row.get("keep_going"):
        line += "; hpcmake -k does all that does not depend on a failure"
    return [line]
